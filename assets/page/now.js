// What the program is doing: where pictures go, the account, what waits, and
// what was copied last.

import { get, post } from "./api.js";
import { $, attempt, button, confirmed, el, options, toast } from "./dom.js";
import { clock, moment, size, t } from "./texts.js";

const mostClips = 50;
let app;
let step = { step: "none" };

export function start(main) {
  app = main;
  const choose = (key, label) => {
    const select = el("select", { id: `choose-${key}`, onchange: () => attempt(() => post("/api/settings", { key, value: select.value })) });
    return el("label", { class: "row" }, el("span", {}, label), select);
  };
  const files = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true, onchange: () => {
    app.upload({ files: [...files.files] });
    files.value = "";
  } });
  $("where").append(
    el("h2", {}, t("page.where")),
    choose("host", t("page.filter.host")), choose("bucket", t("page.filter.bucket")), choose("format", t("page.format")),
    el("div", { class: "bar" },
      button(t("page.upload_now"), now, { id: "upload-now" }), button(t("page.put_back"), putBack, { id: "put-back" }),
      button(t("page.choose_files"), () => files.click()), files),
    el("p", { class: "quiet", id: "backend" }));
}

async function now() {
  const answer = await attempt(() => post("/api/now"));
  if (answer?.text) toast(t("page.copied", { Count: answer.pictures.length }));
}

async function putBack() {
  if (await attempt(() => post("/api/put-back"))) toast(t("page.put_back.done"));
}

// showState shows what the program is doing.
export function showState(state) {
  options($("choose-host"), state.hosts.map((h) => [h.name, app.hostName(h.name)]), state.host);
  const buckets = state.hosts.find((h) => h.name === state.host)?.buckets ?? [];
  options($("choose-bucket"), buckets.map((b) => [b, b]), state.bucket);
  $("choose-bucket").closest("label").hidden = buckets.length === 0;
  options($("choose-format"), app.markups(), state.format);
  $("upload-now").disabled = !state.backend;
  $("put-back").disabled = !state.put_back || !state.backend;
  $("backend").textContent = state.backend ? t("page.backend", { Backend: state.backend }) : t("page.backend.none");
  showAccount(state);
}

// showStep shows how a login goes on.
export function showStep(next) {
  step = next;
  showAccount(app.state());
}

function showAccount(state) {
  const a = state.account;
  const going = ["starting", "waiting", "scanned", "expired", "confirmed"].includes(step.step);
  const parts = [el("h2", {}, t("page.account"))];
  if (going) {
    parts.push(el("ol", { class: "steps" }, ...["waiting", "scanned", "confirmed"].map((name) =>
      el("li", { "aria-current": name === (step.step === "expired" || step.step === "starting" ? "waiting" : step.step) ? "step" : undefined }, t("page.login." + name)))));
    if (step.step === "waiting")
      parts.push(el("img", { class: "code", src: step.code, alt: t("page.login.code"), width: 240, height: 240 }), el("p", { class: "quiet" }, t("page.login.until", { Time: clock(step.until) })));
    if (step.step === "expired") parts.push(el("p", {}, t("page.login.expired")));
    parts.push(button(t("page.cancel"), () => attempt(() => post("/api/login/cancel"))));
  } else {
    if (step.step === "failed") parts.push(el("p", { class: "note" }, step.error.message), step.error.hint ? el("p", { class: "quiet" }, step.error.hint) : "");
    if (a.name) parts.push(el("p", {}, t("page.signed_in", { Name: a.name })));
    else if (!a.needed) parts.push(el("p", {}, t("page.no_account_needed")));
    else parts.push(el("p", {}, a.signed_out ? t("page.signed_out") : t("page.account_unknown")));
    parts.push(button(a.name ? t("page.sign_in_anew") : t("page.sign_in"), () => attempt(() => post("/api/login"))));
  }
  $("account").replaceChildren(...parts);
}

// showPending shows what waits for its upload, here and where the filter asks for it.
export async function showPending(state, only) {
  const answer = await attempt(() => get("/api/pending"));
  if (!answer) return;
  const all = answer.pending;
  $("pending").hidden = all.length === 0;
  $("pending").replaceChildren(
    el("div", { class: "bar" }, el("h2", {}, t("page.pending", { Count: all.length })), el("span", { class: "space" }),
      button(t("page.retry"), () => attempt(() => post("/api/retry"))),
      button(t("page.stop"), stop, { class: "danger" })),
    list(all));
  if (only) {
    const some = all.filter((p) => p.failed === (only === "failed"));
    $("pending-of-state").replaceChildren(some.length ? list(some) : el("p", { class: "quiet" }, t("page.none.found")));
  }
}

function list(pending) {
  return el("ul", { class: "lines pending" }, ...pending.map((p) => el("li", { class: p.failed ? "failed" : "" },
    p.thumbnail ? el("img", { src: p.thumbnail, alt: "", width: 64, height: 48 }) : "",
    el("span", { class: "name" }, p.name || t("page.unnamed")),
    el("span", { class: "quiet" }, `${p.width} × ${p.height}, ${size(p.bytes)} → ${p.host}${p.bucket ? " · " + p.bucket : ""}, ${moment(p.since)}`),
    p.why ? el("p", { class: "note" }, p.why) : "",
    el("span", { class: "quiet" }, p.sending ? t("page.upload.sending") : p.failed ? t("page.failed") : p.again ? t("page.again_at", { Time: moment(p.again) }) : t("page.upload.waits")),
    button(t("page.drop_one"), () => drop(p), { "aria-label": `${t("page.drop_one")}: ${p.name || t("page.unnamed")}` }))));
}

async function drop(p) {
  if (await confirmed(t("page.drop_one.ask"), t("page.drop_one"))) await attempt(() => post("/api/drop", { ids: [p.id] }));
}

async function stop() {
  if (await confirmed(t("page.stop.ask"), t("page.stop"))) await attempt(() => post("/api/stop"));
}

// showClip adds a line for a clip.
export function showClip(clip) {
  if (!clip.pictures.length && !clip.asked) return line(clip.time, "", el("span", { class: "quiet" }, t("page.left_alone", { Why: clip.reason ?? clip.why })));
  if (clip.asked) return line(clip.time, "", t("page.asked", { Count: clip.asked }));
  for (const p of clip.pictures) picture(clip.time, p);
  if (clip.error) line(clip.time, "", el("span", { class: "note" }, clip.error.message));
}

export const showUploaded = (p) => picture(p.time, p);

function picture(time, p) {
  line(time, p.thumbnail,
    el("span", { class: "name" }, p.name || t("page.unnamed")),
    p.url ? el("code", {}, p.text || p.url) : el("span", { class: "note" }, p.error?.message ?? ""),
    p.waits ? el("span", { class: "quiet" }, t("page.upload.waits")) : "");
}

export function showTold(told) {
  if (told.error) line(told.time, "", el("span", { class: "note" }, `${told.title}: ${told.error.message}`));
  else line(told.time, "", `${told.title} ${told.body ?? ""}`);
}

function line(time, thumbnail, ...parts) {
  $("no-clips").hidden = true;
  $("clips").prepend(el("li", {}, el("time", { class: "quiet", datetime: time }, clock(time)), thumbnail ? el("img", { src: thumbnail, alt: "", width: 64, height: 48 }) : "", ...parts));
  while ($("clips").children.length > mostClips) $("clips").lastChild.remove();
}
