// The page: it shows what the program does, and asks it to do things.

import { get, listen, post } from "./api.js";
import { $, attempt, button, el, toast } from "./dom.js";
import * as grid from "./grid.js";
import * as now from "./now.js";
import * as settings from "./settings.js";
import { has, language, setTexts, t, translate } from "./texts.js";
import * as uploads from "./uploads.js";

let state;
let changed = -1;

const app = {
  state: () => state,
  upload: uploads.upload,
  markups: () => state.formats.map((f) => [f, app.markupName(f)]).concat(state.formats.includes(state.format) ? [] : [[state.format, state.format]]),
  markupName: (name) => (has(`page.format.${name}`) ? t(`page.format.${name}`) : name),
  hostName: (name) => (has(`page.host.${name}`) ? t(`page.host.${name}`) : name),
  showPending: () => now.showPending(state, grid.pendingState()),
};

async function begin() {
  try {
    setTexts(await get("/api/texts"));
    state = await get("/api/state");
  } catch (error) {
    document.body.replaceChildren(el("main", { class: "card" }, el("p", {}, error.message), el("p", {}, error.hint ?? "")));
    return;
  }
  translate();
  now.start(app);
  uploads.start();
  $("writing").addEventListener("change", async () => {
    if (!(await attempt(() => post("/api/writing", { on: $("writing").checked })))) $("writing").checked = state.writing;
  });
  addEventListener("hashchange", () => {
    route();
    scrollTo(0, 0); // not to the view's own beginning, which the header would cover
  });
  addEventListener("keydown", (event) => {
    if (event.target.closest?.("input, select, textarea, dialog")) return;
    if (!$("pictures").hidden) grid.shortcut(event);
  });
  grid.choices(state);
  await grid.start(app);
  showState(state);
  route();
  listen({
    state: showState,
    login: now.showStep,
    clip: now.showClip,
    uploaded: now.showUploaded,
    told: now.showTold,
  }, lost);
}

function showState(next) {
  if (next.language !== language) return location.reload();
  state = next;
  $("writing").checked = state.writing;
  document.title = state.waiting + state.failed > 0 ? `(${state.waiting + state.failed}) bilipaste` : "bilipaste";
  showProblem();
  showFirst();
  now.showState(state);
  grid.choices(state);
  if (state.changed !== changed) {
    if (changed >= 0) grid.reload();
    else app.showPending();
    changed = state.changed;
  }
}

function showProblem() {
  const p = state.problem;
  $("problem").hidden = !p;
  if (p) $("problem").replaceChildren(el("span", {}, p.hint ? `${p.message} — ${p.hint}` : p.message), button(t("page.dismiss"), () => attempt(() => post("/api/dismiss"))));
}

// showFirst shows the three steps of the first start until they are done.
function showFirst() {
  const f = state.first;
  $("first").hidden = f.done;
  if (f.done) return;
  const step = (done, id) => el("li", { class: done ? "done" : "" }, el("span", { "aria-hidden": "true" }, done ? "✓" : "○"), ` ${t(id)}${done ? ` (${t("page.first.is_done")})` : ""}`);
  $("first").replaceChildren(
    el("h2", {}, t("page.first")),
    el("ol", { class: "steps" }, step(f.signed_in, "page.first.sign_in"), step(f.writing, "page.first.writing"), step(f.picture, "page.first.picture")),
    el("div", { class: "bar" },
      f.signed_in ? "" : button(t("page.sign_in"), async () => {
        location.hash = "now";
        await attempt(() => post("/api/login"));
      }),
      button(f.signed_in && f.writing && f.picture ? t("page.close") : t("page.first.skip"), () => attempt(() => post("/api/first")))));
}

function route() {
  const name = location.hash.slice(1);
  for (const view of document.querySelectorAll("[data-view]")) view.hidden = view.id !== (["now", "settings"].includes(name) ? name : "pictures");
  for (const a of document.querySelectorAll("nav a")) {
    if ($(a.hash.slice(1)).hidden) a.removeAttribute("aria-current");
    else a.setAttribute("aria-current", "page");
  }
  if (!$("settings").hidden) settings.show();
  dispatchEvent(new Event("scroll"));
}

let warned = false;
function lost(is) {
  if (is && !warned) toast(t("page.lost"), true);
  warned = is;
}

begin();
