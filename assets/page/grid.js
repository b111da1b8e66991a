// The pictures: sections by month, of which only the rows on the screen are in
// the document, however many pictures there are.

import { copyLinks, get, post } from "./api.js";
import { $, attempt, confirmed, el, button, later, options, toast } from "./dom.js";
import { month, number, size, t, moment } from "./texts.js";
import { show as view } from "./viewer.js";

const gap = 12;
const widest = 200; // px of a cell
const caption = 44;
const page = 200; // pictures of a request
const screen = 50; // pictures that the window may show at first
const heading = 44;

let sections = []; // {month, count, key, items, more, loading, element, top, height}
let columns = 1;
let cell = { width: widest, height: widest };
const cells = new Map(); // id of the picture, or "month index" until it is known → element
let round = 0; // grows with each filter: what comes late is dropped
let asking = new AbortController(); // what is asked for it
let current = null; // {section, index}: what the keys move
let anchor = null; // where a range begins
const selected = new Map(); // id → picture, in the order of selection
let filter = new URLSearchParams();
let app; // what main knows: state()

const grid = () => $("grid");

export function start(main) {
  app = main;
  for (const id of ["search", "filter-host", "filter-bucket", "filter-since", "filter-until", "filter-state"])
    $(id).addEventListener("input", later(id === "search" ? 30 : 0, changeFilter));
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(layout).observe(grid());
  grid().addEventListener("click", clicked);
  grid().addEventListener("dblclick", (event) => {
    const at = cellOf(event);
    if (at) open(at);
  });
  grid().addEventListener("keydown", key);
  grid().addEventListener("focus", () => {
    if (!current && sections.length) move({ section: sections[0], index: 0 });
  });
  return reload();
}

function changeFilter() {
  const next = new URLSearchParams();
  const set = (name, id) => $(id).value && next.set(name, $(id).value);
  set("q", "search");
  set("host", "filter-host");
  set("bucket", "filter-bucket");
  set("since", "filter-since");
  set("until", "filter-until");
  set("state", "filter-state");
  if (next.toString() === filter.toString()) return;
  filter = next;
  clearSelection();
  reload();
}

// pendingState is the state of pending pictures that the filter asks for, "" for none.
export function pendingState() {
  const state = filter.get("state");
  return state === "waiting" || state === "failed" ? state : "";
}

// choices fills the filter's lists.
export function choices(state) {
  const any = ["", t("page.filter.any")];
  options($("filter-host"), [any, ...state.hosts.map((h) => [h.name, h.name])], $("filter-host").value);
  const buckets = [...new Set(state.hosts.flatMap((h) => h.buckets ?? []))];
  options($("filter-bucket"), [any, ...buckets.map((b) => [b, b])], $("filter-bucket").value);
  options($("filter-state"), [any, ...["alive", "dead", "waiting", "failed"].map((s) => [s, t("page.state." + s)])], $("filter-state").value);
}

// reload asks for the months again, and keeps what has not changed.
export async function reload() {
  const mine = ++round;
  asking.abort();
  asking = new AbortController();
  const pending = pendingState();
  $("pending-of-state").hidden = pending === "";
  app.showPending();
  if (pending) {
    grid().hidden = true;
    $("empty").hidden = true;
    $("total").textContent = "";
    return;
  }
  const asked = filter.toString();
  const counted = attempt(() => get(`/api/months?${asked}`, asking.signal));
  if (sections[0]?.filter !== asked) { // the first ones are there before all are counted
    const first = await attempt(() => get(`/api/pictures?${asked}&limit=${screen}`, asking.signal));
    if (mine !== round) return;
    if (first?.pictures.length) show(begun(first.pictures, asked));
  }
  const answer = await counted;
  if (!answer || mine !== round) return;
  const before = new Map(sections.filter((s) => s.filter === asked).map((s) => [s.month, s]));
  const next = answer.months.map((m) => {
    const old = before.get(m.month);
    if (old && old.count === m.count && old.key === m.key) return old;
    const items = old?.begun && old.key === m.key ? old.items : [];
    return { ...m, filter: asked, items, more: items.length < m.count, loading: null, least: Math.min(m.count, old?.items.length ?? 0) };
  });
  await Promise.all(next.map((s) => s.least > s.items.length && load(s, s.least))); // so that nothing flickers
  if (mine !== round) return;
  show(next);
  $("total").textContent = t("page.count", { Count: answer.total });
  $("empty").hidden = answer.total > 0;
  $("empty").textContent = filter.size ? t("page.none.found") : t("page.none");
}

// begun are the sections of the first pictures, as far as these go.
function begun(pictures, asked) {
  const all = [];
  for (const p of pictures) {
    const name = p.used.slice(0, 7);
    if (all.at(-1)?.month !== name) all.push({ month: name, count: 0, key: p.key + 1, filter: asked, items: [], more: false, loading: null, begun: true });
    all.at(-1).items.push(p);
    all.at(-1).count++;
  }
  return all;
}

// show shows sections in place of those before.
function show(next) {
  const before = new Map(sections.map((s) => [s.month, s.element]));
  sections = next;
  for (const s of sections) {
    s.element ??= before.get(s.month) ?? el("div", { role: "group", class: "month" }, el("div", { class: "month-name", "aria-hidden": "true" }));
    before.delete(s.month);
    s.element.setAttribute("aria-label", `${month(s.month)}, ${t("page.count", { Count: s.count })}`);
    s.element.firstChild.replaceChildren(month(s.month), el("span", { class: "quiet" }, s.begun ? "" : number(s.count)));
  }
  grid().replaceChildren(...sections.map((s) => s.element));
  grid().hidden = sections.length === 0;
  if (current && !sections.includes(current.section)) current = find(pictureAt(current)?.id);
  layout();
}

// find says where a picture is by now, null if nobody knows.
function find(id) {
  for (const section of sections) {
    const index = section.items.findIndex((p) => p.id === id);
    if (index >= 0) return { section, index };
  }
  return null;
}

// layout finds out how many columns fit, and where each section is.
function layout() {
  const width = grid().clientWidth;
  if (!width) return;
  columns = Math.max(2, Math.floor((width + gap) / (widest + gap)));
  cell.width = (width - gap * (columns - 1)) / columns;
  cell.height = Math.round(cell.width * 0.75) + caption;
  for (const s of sections) {
    s.height = heading + Math.ceil(s.count / columns) * (cell.height + gap);
    s.element.style.height = `${s.height}px`;
  }
  render();
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    render();
  });
}

// render puts the cells on the screen, and a screen above and below, into the
// document, and takes the others out.
function render() {
  if (grid().hidden || !grid().offsetParent) return;
  const from = -innerHeight, to = 2 * innerHeight;
  const wanted = new Map();
  let top = grid().getBoundingClientRect().top;
  for (const s of sections) {
    if (top + s.height >= from && top <= to) {
      const row = cell.height + gap;
      const first = Math.max(0, Math.floor((from - top - heading) / row)) * columns;
      const last = Math.min(s.count, (Math.floor((to - top - heading) / row) + 1) * columns);
      if (last > s.items.length && s.more) load(s, last);
      for (let i = first; i < last; i++) wanted.set(s.items[i]?.id ?? `${s.month} ${i}`, [s, i]);
    }
    top += s.height;
  }
  for (const [id, e] of cells) {
    if (wanted.has(id)) continue;
    e.remove();
    cells.delete(id);
  }
  const last = new Map(); // element of a section → its last child so far
  for (const [id, [s, i]] of wanted) {
    const picture = s.items[i];
    let e = cells.get(id);
    if (e && e.picture !== picture && JSON.stringify(e.picture) !== JSON.stringify(picture)) e.remove(), (e = null);
    e ??= picture ? cellFor(picture) : el("div", { class: "cell waiting", "aria-hidden": "true" });
    cells.set(id, e);
    place(e, s, i, last.get(s) ?? s.element.firstChild);
    last.set(s, e);
  }
  ask();
  mark();
}

// place puts a cell where it belongs, after another one.
function place(e, s, i, before) {
  e.at = { section: s, index: i };
  e.style.width = `${cell.width}px`;
  e.style.height = `${cell.height}px`;
  e.style.transform = `translate(${(i % columns) * (cell.width + gap)}px, ${heading + Math.floor(i / columns) * (cell.height + gap)}px)`;
  if (e.picture) {
    e.setAttribute("aria-setsize", s.count);
    e.setAttribute("aria-posinset", i + 1);
  }
  if (before.nextSibling !== e) before.after(e);
}

function cellFor(p) {
  const name = p.name || t("page.unnamed");
  const chosen = [...selected.keys()].indexOf(p.id);
  const e = el("div", {
    class: p.dead ? "cell dead" : "cell", role: "option", id: `picture-${p.id}`,
    "aria-selected": String(chosen >= 0),
    title: `${name}\n${p.width} × ${p.height}, ${size(p.bytes)}\n${moment(p.used)}\n${p.url}`,
  },
    p.thumbnail
      ? thumbnail(p)
      : el("span", { class: "no-picture" }, p.format.toUpperCase()),
    el("span", { class: "name" }, name),
    el("span", { class: "quiet" }, p.dead ? t("page.state.dead") : p.bucket ? `${p.host} · ${p.bucket}` : p.host),
    el("span", { class: "tick", "aria-hidden": "true" }, chosen >= 0 ? String(chosen + 1) : ""));
  e.picture = p;
  return e;
}

// A browser has six connections to us: thumbnails take half of them, so that a
// search does not wait until those of the screen before are made.
const atOnce = 3;
let underWay = 0;
const unasked = new Map(); // images to their addresses

function thumbnail(p) {
  const image = el("img", { alt: "", decoding: "async", draggable: "false" });
  image.addEventListener("error", () => image.replaceWith(el("span", { class: "no-picture" }, p.format.toUpperCase())));
  unasked.set(image, p.thumbnail);
  return image;
}

// ask asks for the next thumbnails that are still to be seen.
function ask() {
  for (const [image, address] of unasked) {
    if (underWay >= atOnce) return;
    unasked.delete(image);
    if (!image.isConnected) continue;
    underWay++;
    for (const end of ["load", "error"]) image.addEventListener(end, () => (underWay--, ask()), { once: true });
    image.src = address;
  }
}

// mark shows what is selected, and which one the keys are at.
function mark() {
  const order = new Map([...selected.keys()].map((id, n) => [id, n + 1]));
  for (const e of cells.values()) {
    if (!e.picture) continue;
    const n = order.get(e.picture.id);
    e.setAttribute("aria-selected", String(n !== undefined));
    e.querySelector(".tick").textContent = n ?? "";
    e.classList.toggle("current", e.picture.id === pictureAt(current)?.id);
  }
  const p = pictureAt(current);
  if (p && cells.has(p.id)) grid().setAttribute("aria-activedescendant", `picture-${p.id}`);
  else grid().removeAttribute("aria-activedescendant");
  bar();
}

const pictureAt = (at) => at?.section.items[at.index];

// load gets pictures of a section until it has so many.
function load(s, least) {
  s.least = Math.max(s.least ?? 0, least);
  s.loading ??= (async () => {
    const mine = round;
    while (s.items.length < s.least && s.more && mine === round) {
      const query = new URLSearchParams(filter);
      query.set("before", s.items.length ? s.items.at(-1).key : s.key);
      query.set("limit", Math.min(1000, Math.max(page, s.least - s.items.length)));
      const answer = await attempt(() => get(`/api/pictures?${query}`));
      if (!answer || mine !== round) break;
      const room = s.count - s.items.length;
      s.items.push(...answer.pictures.slice(0, room));
      s.more = answer.pictures.length > 0 && s.items.length < s.count;
      draw();
    }
    s.loading = null;
  })();
  return s.loading;
}

// what is chosen

function clearSelection() {
  selected.clear();
  anchor = null;
  mark();
}

function toggle(p, on = !selected.has(p.id)) {
  if (on) selected.set(p.id, p);
  else selected.delete(p.id);
}

// position of a slot among all pictures.
function position(at) {
  let n = at.index;
  for (const s of sections) {
    if (s === at.section) return n;
    n += s.count;
  }
  return -1;
}

function slotOf(n) {
  for (const s of sections) {
    if (n < s.count) return { section: s, index: n };
    n -= s.count;
  }
  return null;
}

async function range(from, to) {
  const [first, last] = [position(from), position(to)].sort((a, b) => a - b);
  for (let n = first; n <= last; n++) {
    const at = slotOf(n);
    if (!pictureAt(at)) await load(at.section, at.index + 1);
    if (pictureAt(at)) toggle(pictureAt(at), true);
  }
  mark();
}

async function all() {
  for (const s of sections) {
    if (s.more) await load(s, s.count);
    for (const p of s.items) toggle(p, true);
  }
  mark();
}

const cellOf = (event) => event.target.closest(".cell")?.at;

function clicked(event) {
  const at = cellOf(event);
  const p = pictureAt(at);
  if (!p) return;
  current = at;
  if (event.shiftKey && anchor) return void range(anchor, at);
  toggle(p);
  anchor = at;
  mark();
}

// move puts the keys' mark on a slot, and scrolls to it.
async function move(at) {
  if (!at) return;
  if (!pictureAt(at)) await load(at.section, at.index + 1);
  current = at;
  const top = grid().getBoundingClientRect().top + sections.slice(0, sections.indexOf(at.section)).reduce((sum, s) => sum + s.height, 0)
    + heading + Math.floor(at.index / columns) * (cell.height + gap);
  const header = 130;
  if (top < header) scrollBy({ top: top - header });
  else if (top + cell.height > innerHeight) scrollBy({ top: top + cell.height - innerHeight + gap });
  render();
}

async function key(event) {
  const at = current ?? slotOf(0);
  if (!at) return;
  const n = position(at);
  const total = sections.reduce((sum, s) => sum + s.count, 0);
  const rows = Math.max(1, Math.floor(innerHeight / (cell.height + gap)) - 1);
  const to = {
    ArrowLeft: n - 1, ArrowRight: n + 1, ArrowUp: n - columns, ArrowDown: n + columns,
    PageUp: n - rows * columns, PageDown: n + rows * columns, Home: 0, End: total - 1,
  }[event.key];
  const p = pictureAt(at);
  if (to !== undefined) {
    event.preventDefault();
    const slot = slotOf(Math.max(0, Math.min(total - 1, to)));
    await move(slot);
    if (event.shiftKey) {
      anchor ??= at;
      await range(anchor, slot);
    }
  } else if (event.key === " " && p) {
    event.preventDefault();
    toggle(p);
    anchor = at;
    mark();
  } else if (event.key === "Enter" && p) {
    open(at);
  } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    await all();
  }
}

// shortcut is told of each key that is pressed outside of a field.
export function shortcut(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    $("search").focus();
  } else if (event.key === "c") copy();
  else if (event.key === "Delete") forget();
  else if (event.key === "Escape") clearSelection();
}

// chosen are the pictures that something is done with.
function chosen() {
  if (selected.size) return [...selected.values()];
  const p = pictureAt(current);
  return p ? [p] : [];
}

// bar offers what can be done with what is selected. It is made anew only when
// that changes: somebody may be at its list.
let offered = "";
function bar() {
  const n = selected.size;
  const e = $("selection");
  const chosenNow = [...selected.keys()].join();
  if (chosenNow === offered) return;
  offered = chosenNow;
  e.hidden = n === 0;
  if (!n) return;
  const markup = e.querySelector("select")?.value ?? app.state().format;
  const markups = el("select", { "aria-label": t("page.format") });
  options(markups, app.markups(), markup);
  e.replaceChildren(
    el("span", {}, t("page.selected", { Count: n })),
    button(t("page.copy"), () => copy(markups.value)), markups,
    n === 1 ? button(t("page.open"), () => view(chosen()[0], neighbours(chosen()[0]), app)) : "",
    n === 1 && chosen()[0].original && app.state().backend ? button(t("page.put_back"), () => putBack(chosen()[0])) : "",
    button(t("page.again"), again),
    button(t("page.forget"), forget, { class: "danger" }),
    button(t("page.clear"), clearSelection));
}

async function copy(markup) {
  const pictures = chosen();
  if (!pictures.length) return;
  const answer = await attempt(() => copyLinks({ ids: pictures.map((p) => p.id), ...(markup ? { format: markup } : {}) }, app.state()));
  if (answer) toast(t("page.copied", { Count: pictures.length }));
}

async function putBack(p) {
  if (await attempt(() => post("/api/put-back", { sum: p.sum }))) toast(t("page.put_back.done"));
}

function again() {
  app.upload({ ids: chosen().map((p) => p.id), names: new Map(chosen().map((p) => [p.id, p.name])) });
  clearSelection();
}

async function forget() {
  const pictures = chosen();
  if (!pictures.length || !(await confirmed(t("page.forget.ask", { Count: pictures.length }), t("page.forget")))) return;
  if (!(await attempt(() => post("/api/forget", { ids: pictures.map((p) => p.id) })))) return;
  clearSelection();
  current = null;
  reload();
}

function open(at) {
  current = at;
  const p = pictureAt(at);
  if (p) view(p, neighbours(p), app);
}

// neighbours lets the large view go on to the next one.
function neighbours() {
  return async (step) => {
    const at = slotOf(position(current) + step);
    if (!at) return null;
    await move(at);
    return pictureAt(at) ?? null;
  };
}
