// A layered drawing, left to right: ranks, then the order within each, then heights.
//
// boxes: [{key, w, h, band}], wires: [[tail, head], ...] of keys. A band (a layer of the network) has columns of its own.
// Returns {at: Map(key -> {x, y}), wires: [[[x, y], ...], ...], width, height}, with centres for places.
function layout(boxes, wires) {
  const GAP = 16, COLUMN = 40;
  const index = new Map(boxes.map((box, i) => [box.key, i]));
  const ends = wires.map(([tail, head]) => [index.get(tail), index.get(head)]);
  const ahead = boxes.map(() => []), behind = boxes.map(() => []);
  for (const [t, h] of ends) { ahead[t].push(h); behind[h].push(t); }

  // ---------------------------------------------------------------- ranks
  const order = [], left = behind.map(b => b.length), ready = [];
  boxes.forEach((_, i) => { if (!left[i]) ready.push(i); });
  while (ready.length) {
    const i = ready.shift();
    order.push(i);
    for (const j of ahead[i]) if (--left[j] === 0) ready.push(j);
  }
  const band = boxes.map(box => box.band);
  for (const i of [...order].reverse()) {  // what stands outside a band keeps to its first user's
    if (band[i] == null) band[i] = Math.min(...ahead[i].map(j => band[j] ?? 0), Infinity);
    if (band[i] === Infinity) band[i] = Math.max(0, ...boxes.map(box => box.band ?? 0));
  }
  const bent = ends.some(([t, h]) => band[t] > band[h]);
  const rank = boxes.map(() => 0);
  for (const value of bent ? [null] : [...new Set(band)].sort((a, b) => a - b)) {
    const base = 1 + Math.max(-1, ...order.filter(i => !bent && band[i] < value).map(i => rank[i]));
    for (const i of order) {
      if (bent || band[i] === value) rank[i] = Math.max(bent ? 0 : base, ...behind[i].map(j => rank[j] + 1));
    }
  }
  const near = boxes.map((_, i) => behind[i].length === 0);
  for (const i of order) {  // a leaf's transpose may stand next to its user, as leaves do
    if (behind[i].length === 1 && near[behind[i][0]] && ahead[behind[i][0]].length === 1) near[i] = true;
  }
  for (const i of [...order].reverse()) {
    if (near[i] && ahead[i].length) rank[i] = Math.max(rank[i], Math.min(...ahead[i].map(j => rank[j])) - 1);
  }

  // ---------------------------------------------------------------- long wires pass through points of their own
  const nodes = boxes.map((box, i) => ({w: box.w, h: box.h, rank: rank[i], real: true}));
  const columns = [];
  const put = i => (columns[nodes[i].rank] ??= []).push(i);
  const paths = ends.map(([t, h]) => {
    const path = [t];
    for (let r = rank[t] + 1; r < rank[h]; r++) {
      nodes.push({w: 0, h: 6, rank: r, real: false});
      path.push(nodes.length - 1);
    }
    path.push(h);
    return path;
  });
  const out = nodes.map(() => []), into = nodes.map(() => []);
  for (const path of paths) {
    for (let k = 1; k < path.length; k++) { out[path[k - 1]].push(path[k]); into[path[k]].push(path[k - 1]); }
  }
  const seen = new Set();
  const visit = start => {  // deep first from the results, so that operands stand in their order
    const stack = [start];
    while (stack.length) {
      const i = stack.pop();
      if (seen.has(i)) continue;
      seen.add(i);
      put(i);
      stack.push(...[...into[i]].reverse());
    }
  };
  nodes.forEach((_, i) => { if (!out[i].length) visit(i); });
  nodes.forEach((_, i) => visit(i));
  for (let r = 0; r < columns.length; r++) columns[r] ??= [];

  // ---------------------------------------------------------------- order within the columns
  const place = nodes.map(() => 0);
  const number = () => columns.forEach(column => column.forEach((i, k) => { place[i] = k; }));
  const crossings = () => {
    let count = 0;
    for (let r = 0; r + 1 < columns.length; r++) {
      const pairs = [];
      for (const i of columns[r]) for (const j of out[i]) pairs.push([place[i], place[j]]);
      if (pairs.length > 400) { count += pairs.length; continue; }
      for (let a = 0; a < pairs.length; a++) for (let b = a + 1; b < pairs.length; b++) {
        if ((pairs[a][0] - pairs[b][0]) * (pairs[a][1] - pairs[b][1]) < 0) count++;
      }
    }
    return count;
  };
  const mean = list => list.reduce((sum, i) => sum + place[i], 0) / list.length;
  number();
  let best = columns.map(c => [...c]), fewest = crossings();
  for (let round = 0; round < 24 && fewest > 0; round++) {
    const forward = round % 2 === 0;
    const beside = forward ? into : out;
    for (const column of forward ? columns : [...columns].reverse()) {
      const key = new Map(column.map((i, k) => [i, beside[i].length ? mean(beside[i]) : k]));
      column.sort((a, b) => key.get(a) - key.get(b) || place[a] - place[b]);
      column.forEach((i, k) => { place[i] = k; });
    }
    const count = crossings();
    if (count < fewest) { fewest = count; best = columns.map(c => [...c]); }
  }
  best.forEach((column, r) => { columns[r] = column; });
  number();

  // ---------------------------------------------------------------- heights: each near its neighbours, none on another
  const y = nodes.map(() => 0);
  const apart = (a, b) => (nodes[a].h + nodes[b].h) / 2 + (nodes[a].real && nodes[b].real ? GAP : 8);
  const settle = (column, wish, weight) => {  // the nearest heights that keep the order and the distances
    const shift = [0];
    for (let k = 1; k < column.length; k++) shift.push(shift[k - 1] + apart(column[k - 1], column[k]));
    const blocks = [];
    column.forEach((i, k) => {
      blocks.push({sum: weight[k] * (wish[k] - shift[k]), weight: weight[k], count: 1});
      while (blocks.length > 1) {
        const [a, b] = blocks.slice(-2);
        if (a.sum / a.weight <= b.sum / b.weight) break;
        blocks.splice(-2, 2, {sum: a.sum + b.sum, weight: a.weight + b.weight, count: a.count + b.count});
      }
    });
    let k = 0;
    for (const block of blocks) for (let n = 0; n < block.count; n++, k++) y[column[k]] = block.sum / block.weight + shift[k];
  };
  const pull = (i, j) => nodes[i].real && nodes[j].real ? 1 : nodes[i].real || nodes[j].real ? 2 : 8;
  columns.forEach(column => settle(column, column.map((_, k) => k * 40), column.map(() => 1)));
  for (let round = 0; round < 60; round++) {
    const turn = round % 3;
    for (const column of turn === 1 ? [...columns].reverse() : columns) {
      const wish = [], weight = [];
      for (const i of column) {
        let sum = 0, total = 0;
        for (const j of turn === 0 ? into[i] : turn === 1 ? out[i] : [...into[i], ...out[i]]) {
          const w = pull(i, j);
          sum += w * y[j];
          total += w;
        }
        wish.push(total ? sum / total : y[i]);
        weight.push(total || 0.1);
      }
      settle(column, wish, weight);
    }
  }

  // ---------------------------------------------------------------- widths, and the whole
  const x = nodes.map(() => 0), sides = [];
  let right = 0;
  columns.forEach((column, r) => {
    const wide = Math.max(8, ...column.map(i => nodes[i].w));
    const begins = r && column.some(i => i < boxes.length && boxes[i].band != null && columns[r - 1].every(
      j => j >= boxes.length || boxes[j].band !== boxes[i].band));
    right += r ? COLUMN + (begins ? 26 : 0) : 0;
    sides.push([right, right + wide]);
    for (const i of column) x[i] = right + wide / 2;
    right += wide;
  });
  let top = Infinity, bottom = -Infinity;
  nodes.forEach((node, i) => { top = Math.min(top, y[i] - node.h / 2); bottom = Math.max(bottom, y[i] + node.h / 2); });
  if (!nodes.length) { top = bottom = 0; }
  const at = new Map(boxes.map((box, i) => [box.key, {x: x[i], y: y[i] - top}]));
  const drawn = paths.map(path => path.flatMap((i, k) => {
    if (k === 0 || k === path.length - 1) return [[x[i], y[i] - top]];
    const [from, to] = sides[nodes[i].rank];
    return [[from, y[i] - top], [to, y[i] - top]];
  }));
  return {at, wires: drawn, width: right, height: bottom - top};
}
