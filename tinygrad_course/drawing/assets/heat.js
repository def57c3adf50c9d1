// Matrices as pictures.
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
