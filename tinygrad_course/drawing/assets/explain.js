// One step: what lights up, and what is said about it.
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
    if (matchMedia("(pointer: coarse)").matches) {
      parts.push(h("p", {}, "Tap ▶ below for the next step, ◀ to go back, Play to watch."));
      parts.push(h("p", {class: "muted"}, "Tap anything for its numbers; drag to move, and zoom with two fingers."));
      return parts;
    }
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
  const told = map.min == null ? "" : `${map.sizes ? "sizes " : ""}from ${number(map.min, 3)} to ${number(map.max, 3)}, norm ${number(map.norm, 3)}`;
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
