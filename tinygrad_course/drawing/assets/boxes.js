// The drawing: a box for each variable, operation and collapsed layer, and the wires between them.
// ------------------------------------------------------------------ boxes
const ruler = document.createElement("canvas").getContext("2d");
function width(text, size = 14, weight = 400) {
  ruler.font = `${weight} ${size}px system-ui, "Segoe UI", "DejaVu Sans", sans-serif`;
  return ruler.measureText(text).width;
}
const boxed = i => !nodes[i].op || nodes[i].named || nodes[i].kind === "cost" || nodes[i].kind === "error";
const outside = i => nodes[i].kind === "data" && nodes[i].named;
function keyOf(i, operation = false) {  // what stands for a node: its own box, or that of a collapsed layer
  const g = nodes[i].group;
  if (g != null && folded.has(g) && !outside(i) && (operation || nodes[i].kind !== "cost")) {
    const run = runOf[g];
    return run >= 0 && !split.has(run) && runs[run].groups.every(k => folded.has(k)) ? `run${run}` : `group${g}`;
  }
  return operation || !boxed(i) ? `o${i}` : `n${i}`;
}

function variableBox(i) {
  const n = nodes[i], picture = heatOf(i, mode);
  const scalar = n.value != null;
  const name = n.kind === "number" ? "" : n.name;
  const first = name && scalar ? `${name} = ${number(n.value)}` : name || (scalar ? number(n.value) : n.shape);
  const lines = [];
  if (n.text != null) {
    lines.push({text: n.name, look: "name"}, ...n.text.split("\n").filter(t => t !== n.name).map(text => ({text, look: "small"})));
    if (n.red) lines.push({text: n.red, look: "red fixed"});
  } else {
    lines.push({text: first, name, look: "name", black: n.op && scalar});
    if (!scalar && name) lines.push({text: n.shape, look: "small"});
  }
  if (picture) lines.push({picture});
  const flows = hasGradients && (arrivals[i].length || n.gradient != null || n.gradients);
  if (flows) lines.push({look: "red", text: "", reserve: n.gradient == null ? "‖∇‖ 0.000123" : number(n.gradient)});
  const tall = lines.reduce((sum, l) => sum + (l.picture ? l.picture.h + 6 : l.look === "small" ? 16 : 19), 0);
  const wide = Math.max(...lines.map(l => l.picture ? l.picture.w : width(l.reserve ?? l.text, l.look === "small" ? 12 : 14, l.look === "name" ? 650 : 500)));
  const plain = n.kind === "number";
  return {key: `n${i}`, node: i, kind: n.kind, lines, band: bandOf(i), w: wide + (plain ? 8 : 24), h: tall + (plain ? 4 : 13)};
}
function operationBox(i) {
  const n = nodes[i], own = !boxed(i), picture = own ? heatOf(i, mode) : null;
  const d = n.sign.length <= 2 ? 30 : n.sign.length === 3 ? 40 : n.sign.length === 4 ? 46 : 34;
  const across = n.sign.length <= 4 ? d : width(n.sign, 15) + 26;
  const lines = own ? [n.value != null ? `${n.name} = ${number(n.value)}` : `${n.name}  ${n.shape}`] : [];
  const below = Math.max(own ? 19 : 0, picture ? picture.h + 6 : 0, n.note ? 19 : 0) + (own && n.note && arrivals[i].length ? 16 : 0);
  return {
    key: `o${i}`, node: i, kind: "operation", d, across, above: lines[0], picture, band: bandOf(i), own, below,
    w: Math.max(across, own ? width(lines[0], 12.5) * 0.98 : 0, picture ? picture.w : 0, n.note ? width(n.note, 12) : 0,
      own && arrivals[i].length ? width(n.gradients ? "‖∇‖ 0.000123" : number(n.gradient ?? 0), 14, 550) : 0),
    h: d + 2 * below,
  };
}
function groupBox(key, title, lines, band, members) {
  const spaced = text => text.replaceAll("  ", "\u2002");
  const all = [{text: spaced(title), look: "name"}, ...lines.map(text => ({text: spaced(text), look: "small"}))];
  return {
    key, kind: "group", lines: all, members, band, h: 19 + 16 * lines.length + 16,
    w: Math.max(...all.map(l => width(l.text, l.look === "name" ? 14 : 12, 650))) + 28,
  };
}
function bandOf(i) {
  const g = nodes[i].group;
  return g == null || (folded.has(g) && (outside(i) || nodes[i].kind === "cost")) ? null : g;
}

// ------------------------------------------------------------------ drawing
const stage = $("stage");
const svg = s("svg", {role: "group", "aria-label": `${data.title}, ${nodes.length} nodes`});
svg.append(s("defs", {},
  s("marker", {id: "tip-end", viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 6.5, markerHeight: 6.5, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse"}, s("path", {d: "M0 1 L10 5 L0 9z"})),
));
svg.querySelector("marker").setAttribute("markerWidth", 9);
svg.querySelector("marker").setAttribute("markerHeight", 9);
const view = s("g", {});
svg.append(view);
stage.append(svg);
let shown = {boxes: new Map(), wires: [], width: 1, height: 1};

function draw() {
  const boxes = new Map(), wires = new Map();
  const add = box => { if (!boxes.has(box.key)) boxes.set(box.key, box); };
  const wire = (tail, head, flow) => {
    if (tail === head) return;
    const key = `${tail} ${head} ${tail.startsWith("g") || tail.startsWith("r") || head.startsWith("g") || head.startsWith("r") ? "" : wires.size}`;
    if (!wires.has(key)) wires.set(key, {tail, head, flows: []});
    if (flow) wires.get(key).flows.push(flow);
  };
  nodes.forEach((n, i) => {
    const key = keyOf(i), operation = n.op ? keyOf(i, true) : key;
    for (const k of new Set([operation, key])) {
      if (k === `n${i}`) add(variableBox(i));
      else if (k === `o${i}`) add(operationBox(i));
      else if (!boxes.has(k)) {
        const run = k.startsWith("run") ? runs[+k.slice(3)] : {title: groups[+k.slice(5)].title, groups: [+k.slice(5)]};
        add(groupBox(k, run.title, groups[run.groups[0]].lines, run.groups[0], run.groups));
      }
    }
    n.inputs.forEach((source, position) => wire(keyOf(source), operation, {from: i, node: source, position}));
    if (n.op && operation !== key) wire(operation, key, {from: i, node: i, position: -1});
  });
  const list = [...boxes.values()], lines = [...wires.values()];
  const plan = layout(list, lines.map(w => [w.tail, w.head]));
  view.replaceChildren();
  drawBands(list, plan);
  const under = s("g", {}), over = s("g", {});
  view.append(under, over);
  const ports = spread(lines, plan, boxes);
  lines.forEach((line, k) => {
    const path = curve(plan.wires[k], boxes.get(line.tail), boxes.get(line.head), ports[k], 0);
    line.line = s("path", {class: "wire", d: path, "marker-end": "url(#tip-end)"});
    line.flow = s("path", {class: "flow", d: curve(plan.wires[k], boxes.get(line.tail), boxes.get(line.head), ports[k], 4.5), "marker-start": "url(#tip-end)"});
    under.append(line.line, line.flow);
  });
  for (const box of list) {
    const {x, y} = plan.at.get(box.key);
    Object.assign(box, {x, y});
    box.element = paint(box);
    over.append(box.element);
  }
  shown = {boxes, wires: lines, width: plan.width, height: plan.height};
  $("fold").setAttribute("aria-pressed", folded.size === groups.length && groups.length > 0);
  update();
}

function drawBands(list, plan) {
  for (const [g, group] of groups.entries()) {
    const inside = list.filter(b => b.band === g && b.kind !== "group");
    if (!inside.length || folded.has(g)) continue;
    const left = Math.min(...inside.map(b => plan.at.get(b.key).x - b.w / 2)) - 14;
    const right = Math.max(...inside.map(b => plan.at.get(b.key).x + b.w / 2)) + 14;
    const handle = s("g", {class: "handle", tabindex: 0, role: "button", "aria-expanded": "true", "aria-label": `Collapse ${group.title}`},
      s("rect", {x: left, y: -42, width: width(group.title, 13, 600) + 44, height: 26, rx: 8}),
      s("text", {x: left + 12, y: -29}, `▾ ${group.title}`));
    activate(handle, () => { folded.add(g); draw(); focusOn(keyOf(inside.find(b => b.node != null).node)); });
    view.append(s("g", {class: "band"}, s("rect", {x: left, y: -46, width: right - left, height: plan.height + 66, rx: 12}), handle));
  }
}

function spread(lines, plan, boxes) {  // where on its box each wire begins and ends
  const ports = lines.map(() => [0, 0]);
  for (const [end, side] of [["head", 1], ["tail", 0]]) {
    const by = new Map();
    lines.forEach((line, k) => { by.set(line[end], [...(by.get(line[end]) ?? []), k]); });
    for (const [key, ks] of by) {
      if (ks.length < 2) continue;
      const box = boxes.get(key);
      const other = k => { const p = plan.wires[k]; return side ? p[p.length - 2][1] : p[1][1]; };
      const ordered = side && box.kind === "operation" && nodes[box.node].ordered;  // the left operand first
      const turn = k => lines[k].flows[0]?.position ?? k;
      ks.sort((a, b) => (ordered ? turn(a) - turn(b) : other(a) - other(b)) || a - b);
      const tall = box.kind === "operation" ? box.d * 0.7 : Math.min(box.h - 12, 12 * ks.length);
      const room = side ? tall : Math.min(tall, 10 * (ks.length - 1));
      ks.forEach((k, n) => { ports[k][side] = (n / (ks.length - 1) - 0.5) * room; });
    }
  }
  return ports;
}
function edge(box, x, y, offset, side) {  // the point of a box's border at a height
  if (box.kind !== "operation") return [x + side * box.w / 2, y + offset];
  const a = box.across / 2, b = box.d / 2;
  return [x + side * a * Math.sqrt(Math.max(0, 1 - (offset / b) ** 2)), y + offset];
}
function curve(points, tail, head, [leave, enter], shift) {
  const p = points.map(([x, y]) => [x, y + shift]);
  p[0] = edge(tail, points[0][0], points[0][1], Math.max(-tail.h / 2, Math.min(tail.h / 2, leave + shift)), 1);
  p[p.length - 1] = edge(head, ...points.at(-1), head.kind === "operation" ? Math.max(-head.d / 2.2, Math.min(head.d / 2.2, enter + shift)) : enter + shift, -1);
  p[0][0] += 2; p[p.length - 1][0] -= 2;
  let path = `M${p[0].map(v => v.toFixed(1)).join(" ")}`;
  for (let k = 1; k < p.length; k++) {
    const [x0, y0] = p[k - 1], [x1, y1] = p[k], dx = (x1 - x0) * 0.5;
    path += Math.abs(y1 - y0) < 0.5 ? `L${x1.toFixed(1)} ${y1.toFixed(1)}`
      : `C${(x0 + dx).toFixed(1)} ${y0.toFixed(1)} ${(x1 - dx).toFixed(1)} ${y1.toFixed(1)} ${x1.toFixed(1)} ${y1.toFixed(1)}`;
  }
  return path;
}

function paint(box) {
  const label = box.kind === "group" ? `${box.lines[0].text}, collapsed. Press Enter to expand.` : "";
  const g = s("g", {class: `box ${box.kind}`, transform: `translate(${box.x} ${box.y})`, tabindex: box.kind === "number" ? null : 0,
    role: "button", "aria-label": label, "data-key": box.key});
  if (box.kind === "operation") {
    const n = nodes[box.node];
    g.append(s("ellipse", {class: "shape", rx: box.across / 2, ry: box.d / 2}), s("text", {class: "sign"}, n.sign));
    const ground = (y, wide) => s("rect", {class: "ground", x: -wide / 2 - 2, y: y - 8, width: wide + 4, height: 16, rx: 4});
    if (box.own) {
      const y = -box.d / 2 - 10;
      g.append(s("g", {class: "black"}, ground(y, width(box.above, 12.5) * 0.95), s("text", {class: n.value != null ? "over" : "small", y, style: "font-size:12.5px"}, box.above)));
    }
    let y = box.d / 2 + 11;
    if (box.picture) {
      g.append(s("image", {href: box.picture.url, class: box.picture.back ? "heat red" : "heat black", x: -box.picture.w / 2, y: box.d / 2 + 4, width: box.picture.w, height: box.picture.h, preserveAspectRatio: "none"}));
    } else if (box.own && arrivals[box.node].length) {
      g.append(s("text", {class: "red total", y}, ""));
      y += 15;
    }
    if (n.note && !box.picture) g.append(s("text", {class: "small", y}, n.note));
  } else {
    const round = box.kind === "data" ? 2 : 11;
    g.append(s("rect", {class: "shape", x: -box.w / 2, y: -box.h / 2, width: box.w, height: box.h, rx: round}));
    let y = -box.h / 2 + (box.kind === "number" ? 2 : 6.5);
    if (box.kind === "group") y += 2;
    const upper = s("g", {class: "upper"});
    g.append(upper);
    for (const line of box.lines) {
      const tall = line.picture ? line.picture.h + 6 : line.look === "small" ? 16 : 19;
      if (line.picture) {
        upper.append(s("image", {href: line.picture.url, class: line.picture.back ? "heat red" : "heat black", x: -line.picture.w / 2, y: y + 2, width: line.picture.w, height: line.picture.h, preserveAspectRatio: "none"}));
      } else if (line.black) {
        const text = s("text", {class: line.look, y: y + tall / 2}, line.name || "");
        if (line.name) text.append(s("tspan", {class: "black"}, ` = ${number(nodes[box.node].value)}`));
        else text.append(s("tspan", {class: "black"}, line.text));
        upper.append(text);
      } else if (line.look === "red") g.append(s("text", {class: "red total", y: y + tall / 2}, ""));
      else upper.append(s("text", {class: line.look, y: y + tall / 2}, line.text));
      y += tall;
    }
  }
  if (box.kind === "group") activate(g, () => open(box));
  else if (box.node != null) activate(g, () => { chosen = chosen === box.node ? null : box.node; update(); });
  g.addEventListener("pointerenter", event => tell(box, event));
  g.addEventListener("pointerleave", hush);
  g.addEventListener("focus", () => { if (g.matches(":focus-visible")) tell(box); });
  g.addEventListener("blur", hush);
  return g;
}
function activate(element, action) {
  element.addEventListener("click", action);
  element.addEventListener("keydown", event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });
}
function open(box) {
  hush();
  if (box.members.length > 1) split.add(runOf[box.members[0]]);
  else folded.delete(box.members[0]);
  draw();
  const first = nodes.findIndex(n => n.group === box.members[0] && n.op);
  focusOn(keyOf(first, true));
}
function focusOn(key) {
  const box = shown.boxes.get(key);
  if (box) { box.element.focus({preventScroll: true}); reveal(box); }
}
