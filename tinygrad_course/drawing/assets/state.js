// What the page is made of: the graph's data, elements, and what is known at each step.
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
  if (tag === "mo" && look !== "tall" && "()[]|‖".includes(parts[0])) element.setAttribute("stretchy", "false");  // as high as the text
  if (tag === "mrow" && parts.some(tall)) parts = parts.map(p => (p[0] === "mo" && "()[]|‖".includes(p[2]) ? ["mo", "tall", p[2]] : p));
  for (const part of parts) element.append(typeof part === "string" ? part : tree(part));
  return element;
}
const tall = part => part[0] === "mfrac" || (Array.isArray(part) && part.slice(2).some(p => Array.isArray(p) && tall(p)));
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
