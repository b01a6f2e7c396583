// The live page: it receives what the runs' folders say as server-sent events, and draws it.
// All text from outside goes into the page as text, never as markup.
'use strict';

const inks = ['#0d7dc4', '#d55e00', '#0b9e76', '#c05f98', '#b98600', '#5a6ee0'];
const dashes = ['', '7 3', '2 3', '9 3 2 3', '5 5', '1 5'];
const runs = [];

// What is drawn. A line is a field of metrics.jsonl; where it has a number for each layer, a line
// for each. `of` makes other numbers of a line of metrics.
const charts = [
  {id: 'bound', title: 'log-likelihood of an example, nats (a rough estimate)', lines: [
    {field: 'bound_held_out', label: 'held out'}, {field: 'bound_test', label: 'test', skip: 0},
    {field: 'independent_held_out', label: 'independent units, held out', dash: '2 4'},
    {field: 'independent_test', label: 'independent units, test', dash: '2 4', skip: 0}]},
  {id: 'varying', title: 'units that vary, %', lines: [{field: 'varying_units', factor: 100}], zero: true},
  {id: 'stuck', title: 'units that are stuck, %', zero: true,
    lines: [{field: 'stuck', factor: 100, of: m => sum(m.stuck_on_units, m.stuck_off_units)}]},
  {id: 'components', title: 'principal components of the units', lines: [{field: 'components'}], zero: true},
  {id: 'above', title: 'mean input from the layer above', lines: [{field: 'input_from_above', first: 0}], zero: true},
  {id: 'started', title: 'filters that started, %', lines: [{field: 'live_filters', factor: 100}], zero: true},
  {id: 'noise', title: 'filters that are noise, %', lines: [{field: 'noise_filters', factor: 100}], zero: true},
  {id: 'duplicate', title: 'filters that are duplicates, %', zero: true,
    lines: [{field: 'duplicate_filters', factor: 100}]},
  {id: 'norm', title: 'norms of the weights, mean ± standard deviation', zero: true,
    lines: [{field: 'norm_mean', spread: 'norm_sd'}]},
  {id: 'reconstruction', title: 'reconstruction error, squared, an example', lines: [{field: 'reconstruction_error'}],
    zero: true},
  {id: 'meanfield', title: 'iterations of mean field', lines: [{field: 'mean_field_iterations', skip: 0}], zero: true},
  {id: 'speed', title: 'updates a second', lines: [{field: 'per_second'}], zero: true},
];

const byId = id => document.getElementById(id);
const sum = (a, b) => a && b ? a.map((x, i) => x + b[i]) : undefined;
const isNumber = x => typeof x === 'number' && Number.isFinite(x);

function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

function drawn(name, attributes) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  return e;
}

const count = n => n.toLocaleString('en-US');

function number(x) {
  if (!isNumber(x)) return '–';
  const size = Math.abs(x);
  if (size >= 1000) return count(Math.round(x));
  return String(Number(x.toPrecision(4)));
}

function duration(s) {
  if (!isNumber(s) || s < 0) return 'unknown';
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${Math.round(s % 3600 / 60)} min`;
}

// --- The runs ---

function inkOf(run) { return inks[run % inks.length]; }

function showRun(r) {
  if (!r.card) {
    r.card = element('article', {class: 'card'});
    byId('runs').append(r.card);
    r.open = false;
  }
  const last = r.metrics[r.metrics.length - 1];
  const done = Math.max(r.status ? r.status.update : 0, last ? last.update : 0);
  const rate = r.status && r.status.rate ? r.status.rate : last ? last.per_second : 0;
  const title = element('h3', {}, r.name);
  if (runs.length > 1) {
    const swatch = element('span', {class: 'swatch'});
    swatch.style.background = inkOf(r.number);
    title.prepend(swatch);
  }
  const bar = element('progress', {max: Math.max(r.updates, 1), value: Math.min(done, r.updates),
    'aria-label': `updates of ${r.name}`});
  const state = r.error ? 'not to be read' : done >= r.updates ? 'finished' :
    r.status ? r.status.state : 'at the last line of metrics';
  const left = done < r.updates && rate > 0 ? `; ${duration((r.updates - done) / rate)} to finish` : '';
  const text = [element('p', {class: 'figures'}, `update ${count(done)} of ${count(r.updates)}, ${state}` +
    (rate > 0 ? `, ${number(rate)} a second` : '') + left)];
  if (last) {
    const bound = isNumber(last.bound_held_out) ? [last.bound_held_out, last.independent_held_out] :
      last.bound_test ? [last.bound_test, last.independent_test] : null;
    if (bound) text.push(element('p', {class: 'figures'}, `about ${bound[0].toFixed(2)} nats an example; ` +
      `independent units have ${number(bound[1])}`));
    const asleep = (last.varying_units || []).findIndex(x => x < 0.05);
    const joint = (r.settings && r.settings.pretrain || 0) * 2 * (last.varying_units || []).length;
    if (asleep >= 0 && last.update >= Math.max(1000, joint)) text.push(element('p', {class: 'warning'},
      `hardly a unit of layer ${asleep + 1} varies (${number(100 * last.varying_units[asleep])}%): ` +
      'it says next to nothing of an example'));
  }
  if (r.error) text.push(element('p', {class: 'warning'}, r.error));
  const details = element('details', {}, element('summary', {}, 'settings'), settingsTable(r.settings));
  details.open = r.open;
  details.addEventListener('toggle', () => { r.open = details.open; });
  r.card.replaceChildren(title, bar, ...text, details);
}

function settingsTable(settings) {
  const table = element('table', {class: 'settings'});
  for (const [key, value] of Object.entries(settings || {})) {
    if (key === 'column_names' || key === 'classes') continue;
    table.append(element('tr', {}, element('th', {scope: 'row'}, key.replaceAll('_', ' ')),
      element('td', {}, Array.isArray(value) ? value.join(', ') : String(value))));
  }
  return element('div', {class: 'scroll'}, table);
}

// --- The curves ---

// seriesOf returns the lines of a chart: {label, run, ink, dash, points: [{x, y, low, high}]}.
function seriesOf(chart, by) {
  const all = [];
  runs.forEach((r, run) => {
    chart.lines.forEach((line, n) => {
      const found = [];
      for (const m of r.metrics) {
        const value = line.of ? line.of(m) : m[line.field];
        const spread = line.spread ? m[line.spread] : undefined;
        const values = Array.isArray(value) ? value : [value];
        values.forEach((v, layer) => {
          if (!isNumber(v) || v === line.skip) return;
          const y = v * (line.factor || 1), s = spread ? spread[layer] : undefined;
          (found[layer] = found[layer] || [])
            .push({x: m[by], y, low: isNumber(s) ? y - s : y, high: isNumber(s) ? y + s : y,
              layered: Array.isArray(value)});
        });
      }
      found.forEach((points, layer) => {
        if (!points) return;
        const layered = points[0].layered, first = line.first === undefined ? 1 : line.first;
        const label = [line.label, layered ? `layer ${layer + first}` : ''].filter(Boolean).join(', ');
        const several = runs.length > 1, place = layered ? layer : n;
        all.push({label: several ? [r.name, label].filter(Boolean).join(': ') : label, points,
          spread: Boolean(line.spread),
          ink: several ? inkOf(run) : inks[place % inks.length],
          dash: line.dash || (several ? dashes[place % dashes.length] : '')});
      });
    });
  });
  return all;
}

const frame = {width: 420, height: 200, left: 52, right: 412, top: 8, bottom: 176};

function niceTicks(low, high, most) {
  const rough = (high - low) / most || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(x => x * power).find(x => x >= rough);
  const ticks = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let i = 0; i < 30 && (first + i) * step <= high + step * 1e-9; i++) {
    ticks.push(Number(((first + i) * step).toPrecision(12)));
  }
  return ticks;
}

function powerTicks(low, high) {
  const ticks = [];
  for (let e = Math.ceil(Math.log10(low) - 1e-9); 10 ** e <= high * (1 + 1e-9); e++) ticks.push(10 ** e);
  while (ticks.length > 7) for (let i = ticks.length - 2; i > 0; i -= 2) ticks.splice(i, 1);
  return ticks;
}

function showChart(chart) {
  const by = byId('by').value, log = byId('log').checked;
  const series = seriesOf(chart, by).map(s => ({...s, points: log ? s.points.filter(p => p.x > 0) : s.points}))
    .filter(s => s.points.length > 0);
  if (!chart.box) {
    chart.box = element('figure', {class: 'card chart', tabindex: '0', id: `chart-${chart.id}`});
    chart.box.style.margin = '0';
    byId('charts').append(chart.box);
    chart.box.addEventListener('pointermove', e => pointAt(chart, e.clientX));
    chart.box.addEventListener('pointerleave', () => point(chart, null));
    chart.box.addEventListener('keydown', e => step(chart, e));
    chart.open = false;
  }
  chart.box.hidden = series.length === 0;
  if (series.length === 0) return;
  const xs = series.flatMap(s => s.points.map(p => p.x));
  let [x0, x1, y0, y1] = [Infinity, -Infinity, chart.zero ? 0 : Infinity, chart.zero ? 0 : -Infinity];
  for (const s of series) {
    for (const p of s.points) {
      [x0, x1] = [Math.min(x0, p.x), Math.max(x1, p.x)];
      [y0, y1] = [Math.min(y0, p.low), Math.max(y1, p.high)];
    }
  }
  if (x0 === x1) { x0 = log ? x0 / 2 : x0 - 1; x1 = log ? x1 * 2 : x1 + 1; }
  if (y0 === y1) { y0 -= chart.zero ? 0 : Math.abs(y0) || 1; y1 += Math.abs(y1) || 1; }
  const along = log ? x => Math.log(x / x0) / Math.log(x1 / x0) : x => (x - x0) / (x1 - x0);
  chart.toX = x => frame.left + along(x) * (frame.right - frame.left);
  const toY = y => frame.bottom - (y - y0) / (y1 - y0) * (frame.bottom - frame.top);
  const svg = drawn('svg', {viewBox: `0 0 ${frame.width} ${frame.height}`, role: 'img', 'aria-label': chart.title});
  for (const tick of niceTicks(y0, y1, 5)) {
    svg.append(drawn('line', {class: 'frame', x1: frame.left, x2: frame.right, y1: toY(tick), y2: toY(tick)}));
    const text = drawn('text', {x: frame.left - 6, y: toY(tick) + 4, 'text-anchor': 'end'});
    text.textContent = number(tick);
    svg.append(text);
  }
  for (const tick of log ? powerTicks(x0, x1) : niceTicks(x0, x1, 5)) {
    const text = drawn('text', {x: chart.toX(tick), y: frame.bottom + 16, 'text-anchor': 'middle'});
    text.textContent = number(tick);
    const x = chart.toX(tick);
    svg.append(drawn('line', {class: 'frame', x1: x, x2: x, y1: frame.bottom, y2: frame.bottom + 4}), text);
  }
  for (const s of series) {
    const at = p => `${chart.toX(p.x).toFixed(1)} ${toY(p.y).toFixed(1)}`;
    if (s.spread && s.points.length > 1) {
      const up = s.points.map(p => `${chart.toX(p.x).toFixed(1)} ${toY(p.high).toFixed(1)}`);
      const down = s.points.map(p => `${chart.toX(p.x).toFixed(1)} ${toY(p.low).toFixed(1)}`).reverse();
      svg.append(drawn('path', {d: `M${up.concat(down).join('L')}Z`, fill: s.ink, opacity: .15}));
    }
    svg.append(s.points.length > 1 ?
      drawn('path', {d: `M${s.points.map(at).join('L')}`, fill: 'none', stroke: s.ink, 'stroke-width': 1.8,
        'stroke-linejoin': 'round', 'stroke-dasharray': s.dash}) :
      drawn('circle', {cx: chart.toX(s.points[0].x), cy: toY(s.points[0].y), r: 3, fill: s.ink}));
  }
  chart.cursor = drawn('line', {class: 'cursor', y1: frame.top, y2: frame.bottom, visibility: 'hidden'});
  svg.append(chart.cursor);
  chart.series = series;
  chart.at = [...new Set(xs)].sort((a, b) => a - b);
  chart.reading = element('p', {class: 'reading'});
  const table = element('details', {}, element('summary', {}, 'numbers'));
  table.open = chart.open;
  const fill = () => { if (table.open && table.childElementCount === 1) table.append(numbers(chart, by)); };
  table.addEventListener('toggle', () => { chart.open = table.open; fill(); });
  fill();
  chart.box.replaceChildren(element('h3', {}, chart.title), svg, legend(series), chart.reading, table);
  point(chart, chart.pointed === undefined ? null : chart.pointed);
}

function legend(series) {
  const box = element('p', {class: 'legend'});
  for (const s of series) {
    if (!s.label) continue;
    const key = drawn('svg', {viewBox: '0 0 22 10', 'aria-hidden': 'true'});
    key.append(drawn('line', {x1: 0, x2: 22, y1: 5, y2: 5, stroke: s.ink, 'stroke-width': 3,
      'stroke-dasharray': s.dash}));
    box.append(element('span', {}, key, s.label));
  }
  return box;
}

function numbers(chart, by) {
  const table = element('table'), head = element('tr', {}, element('th', {scope: 'col'}, by));
  for (const s of chart.series) head.append(element('th', {scope: 'col'}, s.label || chart.title));
  table.append(head);
  for (const x of chart.at) {
    const row = element('tr', {}, element('td', {}, number(x)));
    for (const s of chart.series) {
      const p = s.points.find(q => q.x === x);
      row.append(element('td', {}, p ? String(Number(p.y.toPrecision(7))) : ''));
    }
    table.append(row);
  }
  return element('div', {class: 'scroll'}, table);
}

// point shows the numbers at one place of a chart, by its number in chart.at.
function point(chart, n) {
  chart.pointed = n === null ? undefined : n;
  if (n === null || n >= chart.at.length) {
    chart.cursor.setAttribute('visibility', 'hidden');
    chart.reading.textContent = '';
    return;
  }
  const x = chart.at[n];
  chart.cursor.setAttribute('x1', chart.toX(x));
  chart.cursor.setAttribute('x2', chart.toX(x));
  chart.cursor.setAttribute('visibility', 'visible');
  const parts = chart.series.map(s => [s, s.points.find(p => p.x === x)]).filter(([, p]) => p)
    .map(([s, p]) => [s.label, number(p.y)].filter(Boolean).join(' '));
  chart.reading.textContent = `${byId('by').value} ${number(x)}: ${parts.join(', ')}`;
}

function pointAt(chart, clientX) {
  if (!chart.at || chart.box.hidden) return;
  const svg = chart.box.querySelector('svg').getBoundingClientRect();
  const x = (clientX - svg.left) / svg.width * frame.width;
  let best = 0;
  chart.at.forEach((v, i) => { if (Math.abs(chart.toX(v) - x) < Math.abs(chart.toX(chart.at[best]) - x)) best = i; });
  point(chart, best);
}

function step(chart, e) {
  const last = chart.at.length - 1, now = chart.pointed === undefined ? last : chart.pointed;
  const to = {ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last}[e.key];
  if (e.key === 'Escape') point(chart, null);
  if (to === undefined || e.target !== chart.box) return;
  e.preventDefault();
  point(chart, Math.min(Math.max(to, 0), last));
}

// --- The moments ---

let follows = true; // the last moment, or the present one where the run trains here
let player = null;

function shownRun() { return runs[Number(byId('moment-run').value) || 0]; }

function showMoments() {
  const some = runs.filter(r => r.moments.length > 0 || r.now);
  byId('pictures').hidden = some.length === 0;
  if (some.length === 0) return;
  const select = byId('moment-run');
  if (select.childElementCount !== some.length) {
    const before = select.value;
    select.replaceChildren(...some.map(r => element('option', {value: r.number}, r.name)));
    if ([...select.options].some(o => o.value === before)) select.value = before;
    select.parentElement.hidden = some.length < 2;
  }
  const r = shownRun(), slider = byId('moment');
  slider.max = Math.max(r.moments.length - 1 + (r.now ? 1 : 0), 0);
  if (follows) slider.value = slider.max;
  showMoment();
}

function showMoment() {
  const r = shownRun(), n = Number(byId('moment').value), picture = byId('moment-picture');
  const present = n >= r.moments.length;
  const source = present ? `now?run=${r.number}&turn=${r.now}` : `moment?run=${r.number}&update=${r.moments[n]}`;
  const text = present ? 'now' : `update ${count(r.moments[n])}`;
  byId('moment-text').textContent = text;
  byId('moment').setAttribute('aria-valuetext', text);
  if (picture.getAttribute('src') !== source) {
    picture.src = source;
    picture.alt = `${r.name}, ${text}: filters of each hidden layer, chains of training, and hidden activities`;
  }
}

function play() {
  const slider = byId('moment');
  if (player) {
    clearInterval(player);
    player = null;
  } else {
    if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
    player = setInterval(() => {
      if (Number(slider.value) >= Number(slider.max)) return play();
      slider.value = Number(slider.value) + 1;
      follows = slider.value === slider.max;
      showMoment();
    }, 350);
  }
  byId('play').textContent = player ? 'stop' : 'play';
}

// --- Events ---

let waiting = false;

// redraw draws everything once in a frame, however many events came.
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    runs.forEach(showRun);
    charts.forEach(showChart);
    byId('no-curves').hidden = runs.some(r => r.metrics.length > 0);
    showMoments();
  });
}

function runOf(data) {
  while (runs.length <= data.run) {
    runs.push({number: runs.length, name: '', settings: {}, updates: 0, metrics: [], moments: [], status: null});
  }
  return runs[data.run];
}

const handlers = {
  run(data) {
    Object.assign(runOf(data), {name: data.name, settings: data.settings, updates: data.updates, error: data.error});
  },
  metrics(data) { const r = runOf(data); r.metrics = r.metrics.slice(0, data.from).concat(data.lines); },
  moments(data) { runOf(data).moments = data.updates; },
  status(data) { Object.assign(runOf(data), {status: data, now: data.picture}); },
};

const source = new EventSource('events');
for (const [name, handle] of Object.entries(handlers)) {
  source.addEventListener(name, e => { handle(JSON.parse(e.data)); redraw(); });
}
source.addEventListener('open', () => { byId('connection').textContent = 'connected'; });
source.addEventListener('error', () => { byId('connection').textContent = 'not connected; trying again'; });
byId('by').addEventListener('change', redraw);
byId('log').addEventListener('change', redraw);
byId('play').addEventListener('click', play);
byId('moment-run').addEventListener('change', () => { follows = true; showMoments(); });
byId('moment').addEventListener('input', e => { follows = e.target.value === e.target.max; showMoment(); });
