// Moving, zooming, and the controls; last, the page begins.
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
const LEGIBLE = 0.7;
function begin() {  // the whole graph if it can be read so, else the end where the cost is
  const target = whole();
  if (target.k < LEGIBLE) {
    const room = stage.getBoundingClientRect(), last = [...shown.boxes.values()].reduce((a, b) => (b.x > a.x ? b : a));
    target.k = Math.min(0.85, Math.max(LEGIBLE, (room.height - 90) / shown.height));
    Object.assign(target, {x: room.width - 30 - (last.x + last.w / 2) * target.k, y: room.height / 2 - last.y * target.k});
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
const fingers = new Map();  // two of them zoom
const apart = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
stage.addEventListener("pointerdown", event => { if (event.pointerType === "touch") fingers.set(event.pointerId, [event.clientX, event.clientY]); });
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, event => fingers.delete(event.pointerId));
stage.addEventListener("pointerdown", event => { if (event.button === 0) drag = {x: event.clientX, y: event.clientY, moved: false}; });
addEventListener("pointermove", event => {
  if (fingers.has(event.pointerId)) {
    const before = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (fingers.size === 2) {
      const room = stage.getBoundingClientRect(), [a, b] = [...fingers.values()];
      zoom(apart() / (before || 1), (a[0] + b[0]) / 2 - room.left, (a[1] + b[1]) / 2 - room.top);
      drag = null;
      return;
    }
  }
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
function told(text) { $("status").textContent = $("found").textContent = text; }  // for those who listen, and who look
$("search").addEventListener("input", () => {
  query = $("search").value.trim();
  hit = -1;
  update();
  told(query ? (matches().length ? `${matches().length} found` : `nothing is called ${query}`) : "");
});
$("search").addEventListener("keydown", event => {
  if (event.key === "Escape") { $("search").value = query = ""; told(""); update(); $("search").blur(); }
  if (event.key !== "Enter") return;
  const found = matches();
  if (!found.length) { told(`nothing is called ${query}`); return; }
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
addEventListener("resize", begin);
