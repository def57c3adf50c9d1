const data = JSON.parse(document.getElementById("data").textContent);
const {nodes, groups, runs, steps} = data;
const $ = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg", MATHML = "http://www.w3.org/1998/Math/MathML";

// ------------------------------------------------------------------ elements; text only ever enters as text
function make(space, tag, attributes, children) {
  const element = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter(c => c != null && c !== ""));
  return element;
}
const h = (tag, attributes, ...children) => make(null, tag, attributes, children);
const s = (tag, attributes, ...children) => make(SVG, tag, attributes, children);
function tree([tag, look, ...parts]) {
  const element = make(MATHML, tag, look === "red" ? {class: "red"} : tag === "mspace" ? {width: "0.17em"} : {}, []);
  if (look === "sign") element.setAttribute("form", "prefix");
  for (const part of parts) element.append(typeof part === "string" ? part : tree(part));
  return element;
}
const formula = math => h("div", {class: "formula"}, make(MATHML, "math", {}, [tree(math)]));

function number(value, digits = 4) {
  if (typeof value !== "number") return String(value).replace("-", "−").replace("inf", "∞");
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  let text = exponent < -4 || exponent >= digits
    ? value.toExponential(digits - 1).replace(/\.?0*e/, "e").replace("e+", "e") : value.toPrecision(digits);
  if (!text.includes("e") && text.includes(".")) text = text.replace(/\.?0+$/, "");
  return text.replaceAll("-", "−");
}

// ------------------------------------------------------------------ what is known at each step
const computed = nodes.map(n => n.op ? Infinity : 0);
const arrivals = nodes.map(() => []);
steps.forEach((step, k) => {
  if (step.way === "forward") computed[step.node] = k + 1;
  for (const send of step.sends ?? []) arrivals[send.node].push({...send, step: k + 1});
});
if (!steps.length) computed.fill(0);
const hasGradients = arrivals.some(a => a.length) || nodes.some(n => n.gradient != null || n.gradients);
let at = 0, chosen = null, playing = null, query = "", mode = "";
const folded = new Set(data.collapsed ? groups.map((_, i) => i) : []);
const split = new Set();
const runOf = groups.map((_, g) => runs.findIndex(r => r.groups.includes(g)));

function gradientAt(i) {  // null until something arrives; then the total, and whether more is to come
  const arrived = arrivals[i].filter(a => a.step <= at);
  if (arrived.length) {
    const latest = arrived.at(-1);
    return {value: latest.total ?? latest.total_norm, norm: latest.total == null, partly: arrived.length < arrivals[i].length};
  }
  const n = nodes[i];
  if (arrivals[i].length || at < steps.length || (n.gradient == null && !n.gradients)) return null;
  return {value: n.gradient ?? n.gradients.norm, norm: n.gradient == null, partly: false};
}
const red = g => g == null ? "" : g.norm ? `‖∇‖ ${number(g.value, 3)}` : number(g.value);

// ------------------------------------------------------------------ heat maps
function colour(share, kind) {  // share: -1 to 1, or 0 to 1 for magnitudes
  const dark = document.documentElement.dataset.theme === "dark";
  const paper = dark ? [24, 30, 39] : [255, 255, 255];
  const end = kind === "magnitudes" ? (dark ? [255, 214, 120] : [88, 24, 120])
    : share < 0 ? (dark ? [86, 156, 255] : [28, 92, 190]) : (dark ? [255, 158, 74] : [214, 88, 10]);
  const size = Math.abs(share);
  return paper.map((p, k) => Math.round(p + (end[k] - p) * size));
}
const DECADES = 6;
const range = {};
function magnitudeRange() {
  if (range.low == null) {
    const tops = nodes.map(n => (n.gradients ?? n.values)?.top).filter(t => t > 0).map(Math.log10);
    range.high = Math.max(...tops, -Infinity);
    range.low = Math.min(...tops, Infinity) - 2;
  }
  return range;
}
function picture(map, kind, dead) {
  const codes = Uint8Array.from(atob(map.b), c => c.charCodeAt(0));
  const canvas = h("canvas", {width: map.c, height: map.r});
  const context = canvas.getContext("2d"), image = context.createImageData(map.c, map.r);
  const rows = new Set(dead && map.high === 1 ? dead : []);
  codes.forEach((code, k) => {
    const size = code === 128 ? 0 : 10 ** (DECADES * (Math.abs(code - 128) / 127 - 1));
    let rgb;
    if (code === 0) rgb = [255, 0, 255];
    else if (kind === "magnitudes") {
      const {low, high} = magnitudeRange();
      rgb = colour(size ? Math.min(1, Math.max(0, (Math.log10(size * map.top) - low) / (high - low || 1))) : 0, kind);
    } else if (kind === "dead") {
      rgb = rows.has(Math.floor(k / map.c)) ? [200, 30, 41] : size ? colour(0.55, "values") : colour(0, "values");
    } else rgb = colour(Math.sign(code - 128) * Math.sqrt(size), kind);
    image.data.set([...rgb, 255], 4 * k);
  });
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}
const pictured = new Map();
function heatOf(i, kind) {
  const n = nodes[i];
  const map = kind === "values" ? n.values : kind === "gradients" ? n.gradients
    : kind === "magnitudes" ? n.gradients ?? n.values : kind === "dead" ? n.dead && n.values : null;
  if (!map) return null;
  const key = [i, kind, document.documentElement.dataset.theme].join();
  if (!pictured.has(key)) pictured.set(key, picture(map, kind, n.dead));
  return {
    url: pictured.get(key), map, w: Math.min(84, Math.max(12, map.c * 8)), h: Math.min(44, Math.max(8, map.r * 8)),
    back: kind === "gradients" || (kind === "magnitudes" && map === n.gradients),
  };
}

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
      ks.sort((a, b) => other(a) - other(b) || a - b);
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

// ------------------------------------------------------------------ one step
function update() {
  const step = steps[at - 1];
  const lit = new Set();
  if (step) {
    if (step.way === "seed") lit.add(keyOf(step.node));
    else lit.add(keyOf(step.node, true)).add(keyOf(step.node));
  }
  for (const box of shown.boxes.values()) {
    const g = box.element, i = box.node;
    g.classList.toggle("lit", lit.has(box.key));
    g.classList.toggle("back", step != null && step.way !== "forward");
    g.classList.toggle("found", query !== "" && matches().some(m => keyOf(m) === box.key || (nodes[m].op && keyOf(m, true) === box.key)));
    if (i == null) continue;
    g.classList.toggle("waiting", computed[i] > at);
    const gradient = gradientAt(i), total = g.querySelector("text.total");
    if (total) {
      total.textContent = red(gradient);
      total.classList.toggle("partly", gradient?.partly ?? false);
      g.classList.toggle("alone", gradient == null);
    }
    g.querySelector("image.red")?.classList.toggle("waiting", gradient == null);
    g.setAttribute("aria-label", spoken(i));
    g.setAttribute("aria-pressed", chosen === i);
  }
  for (const {line, flow, flows} of shown.wires) {
    const on = flows.some(f => f.position < 0 ? gradientAt(f.node) : sent(f)?.step <= at);
    flow.classList.toggle("on", Boolean(on));
    const active = step && flows.some(f => f.from === step.node);
    line.classList.toggle("lit", Boolean(active && step.way === "forward"));
    flow.classList.toggle("lit", Boolean(active && step.way === "backward" && on));
  }
  explain(step);
  describeChosen();
  fillTable();
  const words = {forward: "forward", seed: "backward", backward: "backward"};
  $("slider").value = at;
  $("slider").setAttribute("aria-valuetext", step ? `Step ${at} of ${steps.length}, ${words[step.way]}` : "Start");
  $("count").textContent = step ? `Step ${at} of ${steps.length} · ${words[step.way]}` : `Start · ${steps.length} steps`;
  for (const [id, off] of [["first", at === 0], ["back", at === 0], ["next", at >= steps.length], ["last", at >= steps.length]]) $(id).disabled = off;
}
const sent = f => arrivals[f.node].find(a => a.from === f.from && a.position === f.position) ?? arrivals[f.node].find(a => a.from === f.from);
function spoken(i) {
  const n = nodes[i], parts = [n.kind === "number" ? "constant" : n.name];
  if (n.op) parts.push(`result of ${n.op}`);
  parts.push(n.value != null ? (computed[i] <= at ? `value ${number(n.value)}` : "not computed yet") : `shape ${n.shape}`);
  const g = gradientAt(i);
  if (g) parts.push(g.norm ? `norm of the gradient ${number(g.value, 3)}` : `gradient ${number(g.value)}`);
  return parts.join(", ");
}

function go(to, follow = true) {
  at = Math.max(0, Math.min(steps.length, to));
  update();
  const step = steps[at - 1];
  if (step && follow) {
    const box = shown.boxes.get(keyOf(step.node, step.way !== "seed"));
    if (box) reveal(box);
  }
  $("status").textContent = step ? `Step ${at} of ${steps.length}. ${words(step)}` : "Start: only the variables and constants have values.";
}
function words(step) {
  const told = [step.text];
  for (const send of step.way === "backward" ? step.sends : []) {
    const value = send.sent != null ? number(send.sent) : `a gradient of norm ${number(send.sent_norm, 3)}`;
    told.push(`${send.text} receives ${value}` + (send.times > 1 ? `, so far ${number(send.total ?? send.total_norm)}` : "") + ".");
  }
  return told.join(" ");
}

// ------------------------------------------------------------------ the explanation
function explain(step) {
  const panel = $("step");
  if (!step) {
    panel.replaceChildren(...start());
    return;
  }
  const n = nodes[step.node];
  const parts = [h("span", {class: `badge ${step.way}`}, step.way === "forward" ? "Forward" : "Backward")];
  if (step.way === "forward") {
    parts.push(h("h2", {}, n.op), ...step.math.map(formula));
    if (step.shapes) parts.push(h("p", {class: "muted"}, step.shapes));
    if (n.values) parts.push(figure(n.values, "values", `${n.name}, values`, n.dead));
    if (n.dead?.length) parts.push(deadUnits(n));
  } else if (step.way === "seed") {
    parts.push(h("h2", {}, `The gradient of ${n.name} with respect to itself`), ...step.math.map(formula),
      h("p", {}, `From here the chain rule goes back, one operation at a time: each takes the gradient of its result, multiplies it by its own derivative, and hands it on.`));
  } else {
    parts.push(h("h2", {}, `Back through ${n.op}`));
    for (const send of step.sends) parts.push(sending(send));
  }
  if (n.line) parts.push(h("p", {}, h("code", {}, n.line)));
  panel.replaceChildren(...parts);
}
function start() {
  const parts = [h("h2", {}, data.title)];
  if (data.note) parts.push(h("p", {}, data.note));
  const legend = [["variable", "a variable: its gradient is wanted"], ["data", "data: a constant array"], ["operation", "an operation"], ["cost", "the result"]];
  const mark = kind => {
    const g = s("g", {class: `box ${kind}`, transform: "translate(21 14)"});
    g.append(kind === "operation" ? s("circle", {class: "shape", r: 11}) : s("rect", {class: "shape", x: -18, y: -10, width: 36, height: 20, rx: kind === "data" ? 2 : 7}));
    return s("svg", {width: 42, height: 28, "aria-hidden": "true"}, g);
  };
  parts.push(h("div", {class: "legend"}, ...legend.flatMap(([kind, text]) => [mark(kind), h("span", {}, text)]),
    h("b", {}, "6"), h("span", {}, "black: the value, on the way forward"), h("b", {class: "red"}, "3"), h("span", {}, "red: the gradient of the result, on the way back (of a matrix, its norm)"),
    ...(nodes.some(n => n.op && !n.named) ? [h("b", {}, "v₁"), h("span", {}, "a result without a name of its own")] : [])));
  if (steps.length) {
    parts.push(h("p", {}, "Press ", h("kbd", {}, "→"), " for the next step, ", h("kbd", {}, "←"), " to go back, ", h("kbd", {}, "Space"), " to play."));
    parts.push(h("p", {class: "muted"}, "Point at anything for its numbers. ", h("kbd", {}, "/"), " searches; drag to move, and zoom with the wheel or ", h("kbd", {}, "+"), " ", h("kbd", {}, "−"), "."));
  }
  return parts;
}
function sending(send) {
  const x = nodes[send.node];
  const parts = [h("h3", {}, `to ${x.name}`), ...send.math.map(formula)];
  if (send.shapes) parts.push(h("p", {class: "muted"}, `${send.shapes}` + (send.summed ? `. ${send.summed}` : "")));
  if (send.times > 1) {
    const arrived = arrivals[send.node].filter(a => a.step <= at && (a.step < at || a.from !== send.from || a.position <= send.position));
    const own = send.sent != null && arrived.every(a => a.sent != null);
    const sum = own ? `${arrived.map(a => number(a.sent)).join(" + ").replaceAll("+ −", "− ")} = ${number(send.total)}` : `norm ${number(send.total_norm, 3)}`;
    parts.push(h("p", {}, `${x.name} is used ${send.times} times, and the gradients add up: `, h("span", {class: "red"}, sum), arrived.length < send.times ? " so far." : "."));
  }
  if (send.chain.length) parts.push(h("div", {class: "chain"}, h("span", {class: "muted"}, "The chain rule so far"), ...send.chain.map(formula)));
  if (send.total != null && n_leaf(send.node) && arrivals[send.node].every(a => a.step <= at)) {
    const change = send.total * 0.001, much = number(Math.abs(change), 3);
    parts.push(h("p", {class: "muted"}, change === 0 ? `A little more ${x.name} does not change ${data.cost}.`
      : `0.001 more ${x.name} makes ${data.cost} about ${much} ${change > 0 ? "larger" : "smaller"}.`));
  }
  const arrivedHere = arrivals[send.node].filter(a => a.step <= at).length === arrivals[send.node].length;
  if (x.gradients && arrivedHere) parts.push(figure(x.gradients, "gradients", `gradient of ${x.name}`));
  parts.push(h("div", {class: "trail"}, ...send.trail.flatMap((i, k) => {
    const button = h("button", {type: "button", title: `Show ${nodes[i].name}`}, nodes[i].name);
    button.addEventListener("click", () => { chosen = i; update(); const box = shown.boxes.get(keyOf(i)); if (box) reveal(box); });
    return k ? [h("span", {class: "muted", "aria-hidden": "true"}, "→"), button] : [button];
  })));
  return h("div", {class: "send"}, ...parts);
}
const n_leaf = i => nodes[i].kind === "variable";
function deadUnits(n) {
  const rows = Number(n.shape.slice(1).split(",")[0]);
  return h("p", {}, `${n.dead.length} of ${rows} units give 0 for every example: dead here are ${n.dead.slice(0, 20).join(", ")}${n.dead.length > 20 ? ", …" : ""}.`);
}
function figure(map, kind, title, dead) {
  const image = h("img", {src: picture(map, kind, dead), alt: `Heat map of ${title}`, style: `width:${Math.min(250, map.c * 16)}px;height:${Math.min(130, map.r * 16)}px`});
  const told = map.min == null ? "" : `from ${number(map.min, 3)} to ${number(map.max, 3)}, norm ${number(map.norm, 3)}`;
  const zeros = map.zero > 0 ? `, ${number(100 * map.zero, 3)} % zeros` : "";
  const bad = map.bad ? `, ${map.bad} not finite` : "";
  const block = map.block > 1 ? `; each cell shows the largest of up to ${map.block} entries` : "";
  const parts = [h("figure", {}, image, h("figcaption", {}, `${title}: ${told}${zeros}${bad}${block}`))];
  if (map.n && map.n.length <= 12 && map.n[0].length <= 6) {
    parts.push(h("table", {class: "cells"}, ...map.n.map(line => h("tr", {}, ...line.map(v => h("td", {title: v}, number(v, 3)))))));
  }
  return h("div", {class: "heat"}, ...parts);
}
function facts(i) {
  const n = nodes[i], g = gradientAt(i), rows = [];
  if (n.op) rows.push(["operation", `${n.op} of ${n.inputs.map(k => nodes[k].name).join(", ")}${n.note ? `, ${n.note}` : ""}`]);
  if (n.shape) rows.push(["shape", `${n.shape}${n.type ? `, ${n.type}` : ""}`]);
  if (n.value != null) rows.push(["value", computed[i] <= at ? String(n.value).replace("-", "−") : "not computed yet"]);
  else if (n.values && computed[i] <= at) rows.push(["values", `${number(n.values.min ?? NaN)} to ${number(n.values.max ?? NaN)}`]);
  if (g) rows.push([g.partly ? "gradient so far" : "gradient", g.norm ? `norm ${number(g.value)}` : String(g.value).replace("-", "−")]);
  if (g?.norm && !g.partly && n.gradients) rows.push(["", `${number(n.gradients.min ?? NaN)} to ${number(n.gradients.max ?? NaN)}`]);
  if (n.line) rows.push(["line", n.line]);
  return h("dl", {}, ...rows.flatMap(([term, text]) => [h("dt", {}, term), h("dd", {class: term.startsWith("gradient") ? "red" : null}, text)]));
}
function describeChosen() {
  if (chosen == null) { $("chosen").replaceChildren(); return; }
  const n = nodes[chosen], parts = [h("h2", {}, n.name), facts(chosen)];
  if (n.values && computed[chosen] <= at) parts.push(figure(n.values, "values", "values", n.dead));
  if (n.gradients && gradientAt(chosen) && !gradientAt(chosen).partly) parts.push(figure(n.gradients, "gradients", "gradient"));
  if (n.dead?.length) parts.push(deadUnits(n));
  $("chosen").replaceChildren(...parts);
}
function tell(box, event) {
  const tip = $("tip");
  if (box.node == null) tip.replaceChildren(...box.lines.map((l, k) => h(k ? "div" : "h2", {class: k ? "muted" : null}, l.text)), h("div", {}, "Click to expand."));
  else {
    const n = nodes[box.node], parts = [h("h2", {}, n.name), facts(box.node)];
    if (n.values && computed[box.node] <= at) parts.push(figure(n.values, "values", "values", n.dead));
    if (n.gradients && gradientAt(box.node) && !gradientAt(box.node).partly) parts.push(figure(n.gradients, "gradients", "gradient"));
    tip.replaceChildren(...parts);
  }
  tip.hidden = false;
  const place = box.element.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const below = place.bottom + 8 + own.height < innerHeight;
  tip.style.left = `${Math.max(6, Math.min(innerWidth - own.width - 6, place.left))}px`;
  tip.style.top = `${Math.max(6, below ? place.bottom + 8 : place.top - own.height - 8)}px`;
}
function hush() { $("tip").hidden = true; }

function fillTable() {
  if (!$("numbers").open) return;
  const cell = (i, value, text) => h("td", {"data-exact": value}, text);
  const rows = nodes.map((n, i) => {
    const ready = computed[i] <= at, g = gradientAt(i);
    const value = !ready ? "" : n.value != null ? number(n.value, 6) : n.values ? `${number(n.values.min ?? NaN)} to ${number(n.values.max ?? NaN)}` : "";
    return h("tr", {"data-node": i}, h("th", {scope: "row"}, n.name), h("td", {}, n.op ?? n.kind), h("td", {}, n.shape),
      cell(i, ready ? n.value : null, value), cell(i, g && !g.norm ? g.value : g ? g.value : null, g ? (g.norm ? `norm ${number(g.value, 6)}` : number(g.value, 6)) : ""));
  });
  $("table").replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ...["Name", "Operation", "Shape", "Value", "Gradient"].map(t => h("th", {scope: "col"}, t)))), h("tbody", {}, ...rows)));
}

// ------------------------------------------------------------------ the view: moving and zooming
const camera = {x: 0, y: 0, k: 1};
let flight = null;
const apply = () => view.setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.k})`);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
function fly(target, quick = false) {
  cancelAnimationFrame(flight);
  if (quick || calm.matches) { Object.assign(camera, target); apply(); return; }
  const from = {...camera}, begin = performance.now();
  const tick = now => {
    const t = Math.min(1, (now - begin) / 280), ease = t * (2 - t);
    for (const key of ["x", "y", "k"]) camera[key] = from[key] + (target[key] - from[key]) * ease;
    apply();
    if (t < 1) flight = requestAnimationFrame(tick);
  };
  flight = requestAnimationFrame(tick);
}
function whole() {
  const room = stage.getBoundingClientRect(), top = groups.length ? 56 : 20;
  const k = Math.min((room.width - 48) / shown.width, (room.height - top - 36) / shown.height, 1.9);
  return {k, x: (room.width - shown.width * k) / 2, y: (room.height - shown.height * k + (top - 20) * k) / 2};
}
function fit(quick) { fly(whole(), quick); }
function begin() {  // the whole graph if it can be read so, else its beginning
  const target = whole();
  if (target.k < 0.6) {
    const room = stage.getBoundingClientRect();
    target.k = Math.min(0.85, Math.max(target.k, (room.height - 90) / shown.height));
    Object.assign(target, {x: 30, y: (room.height - shown.height * target.k) / 2 + 10});
  }
  fly(target, true);
}
function reveal(box) {
  const room = stage.getBoundingClientRect(), margin = 60;
  const x = box.x * camera.k + camera.x, y = box.y * camera.k + camera.y;
  const half = [box.w * camera.k / 2, box.h * camera.k / 2];
  if (x - half[0] > margin && x + half[0] < room.width - margin && y - half[1] > 20 && y + half[1] < room.height - 20) return;
  const target = {...camera};
  if (x - half[0] <= margin || x + half[0] >= room.width - margin) target.x += room.width / 2 - x;
  if (y - half[1] <= 20 || y + half[1] >= room.height - 20) target.y += room.height / 2 - y;
  fly(target);
}
function zoom(factor, cx, cy) {
  cancelAnimationFrame(flight);
  const room = stage.getBoundingClientRect();
  const px = cx ?? room.width / 2, py = cy ?? room.height / 2;
  const k = Math.max(0.05, Math.min(6, camera.k * factor)), f = k / camera.k;
  Object.assign(camera, {k, x: px - (px - camera.x) * f, y: py - (py - camera.y) * f});
  apply();
}
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const room = stage.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * 0.0016), event.clientX - room.left, event.clientY - room.top);
}, {passive: false});
let drag = null;
stage.addEventListener("pointerdown", event => { if (event.button === 0) drag = {x: event.clientX, y: event.clientY, moved: false}; });
addEventListener("pointermove", event => {
  if (!drag) return;
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  cancelAnimationFrame(flight);
  drag = {x: event.clientX, y: event.clientY, moved: true};
  stage.classList.add("moving");
  camera.x += dx; camera.y += dy;
  apply();
});
addEventListener("pointerup", () => {
  if (drag?.moved) addEventListener("click", event => { event.stopPropagation(); event.preventDefault(); }, {capture: true, once: true});
  setTimeout(() => { drag = null; });
  stage.classList.remove("moving");
});

// ------------------------------------------------------------------ controls
function pause() {
  clearInterval(playing);
  playing = null;
  $("play").textContent = "▶ Play";
  $("play").setAttribute("aria-pressed", "false");
}
function play() {
  if (playing) { pause(); return; }
  if (at >= steps.length) go(0);
  $("play").textContent = "❚❚ Pause";
  $("play").setAttribute("aria-pressed", "true");
  playing = setInterval(() => { if (at >= steps.length) pause(); else go(at + 1); }, 1300);
}
function matches() {
  const q = query.toLowerCase();
  return q ? nodes.flatMap((n, i) => `${n.name} ${n.op ?? ""}`.toLowerCase().includes(q) ? [i] : []) : [];
}
let hit = -1;
$("search").addEventListener("input", () => {
  query = $("search").value.trim();
  hit = -1;
  update();
  $("status").textContent = query ? `${matches().length} found` : "";
});
$("search").addEventListener("keydown", event => {
  if (event.key === "Escape") { $("search").value = query = ""; update(); $("search").blur(); }
  if (event.key !== "Enter") return;
  const found = matches();
  if (!found.length) { $("status").textContent = `Nothing is called ${query}`; return; }
  hit = (hit + (event.shiftKey ? -1 : 1) + found.length) % found.length;
  chosen = found[hit];
  const g = nodes[chosen].group;
  if (g != null && folded.has(g)) { split.add(runOf[g]); folded.delete(g); draw(); } else update();
  const box = shown.boxes.get(keyOf(chosen));
  if (box) reveal(box);
  $("status").textContent = `${hit + 1} of ${found.length}: ${spoken(chosen)}`;
});
$("heat").addEventListener("change", () => { mode = $("heat").value; draw(); go(at); });
$("fold").addEventListener("click", () => {
  if (folded.size === groups.length) { folded.clear(); runs.forEach((_, r) => split.add(r)); }
  else { groups.forEach((_, g) => folded.add(g)); split.clear(); }
  draw();
  begin();
});
$("fit").addEventListener("click", () => fit());
$("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  $("theme").setAttribute("aria-pressed", theme === "dark");
  draw();
}
for (const [id, action] of [["first", () => go(0)], ["back", () => go(at - 1)], ["next", () => go(at + 1)], ["last", () => go(steps.length)]]) {
  $(id).addEventListener("click", () => { pause(); action(); });
}
$("play").addEventListener("click", play);
$("slider").addEventListener("input", () => { pause(); go(Number($("slider").value)); });
$("numbers").addEventListener("toggle", fillTable);
document.addEventListener("keydown", event => {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input[type=search], select")) return;
  const keys = {
    ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(steps.length),
    " ": play, "/": () => $("search").focus(), 0: () => fit(), "+": () => zoom(1.25), "-": () => zoom(0.8),
    Escape: () => { chosen = null; hush(); update(); },
  };
  if (target.matches("input[type=range]") && /Arrow|Home|End/.test(event.key)) return;
  if (target.matches("button, summary") && event.key === " ") return;
  if (!(event.key in keys)) return;
  event.preventDefault();
  if (event.key !== " ") pause();
  keys[event.key]();
});

$("slider").max = steps.length;
if (!steps.length) document.querySelector("footer").hidden = true;
$("fold").hidden = !groups.length;
$("heat-label").hidden = !nodes.some(n => n.values);
if (!nodes.some(n => n.dead)) $("heat").querySelector("[value=dead]").remove();
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
begin();
addEventListener("resize", () => fit(true));
