// The large view of one picture, with all its links.

import { copyLinks, get, post } from "./api.js";
import { $, attempt, button, el, toast } from "./dom.js";
import { moment, size, t } from "./texts.js";

let step = null; // to the next picture
let round = 0;

export function show(picture, neighbours, app) {
  step = async (by) => {
    const next = await neighbours(by);
    if (next) fill(next, app);
  };
  const dialog = $("viewer");
  dialog.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && !/^(INPUT|SELECT)$/.test(event.target.tagName)) step(by);
  };
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  dialog.onclose = () => document.body.append($("toasts"));
  fill(picture, app);
  if (!dialog.open) dialog.showModal();
}

async function fill(p, app) {
  const mine = ++round;
  const image = el("img", { src: p.original || p.thumbnail, alt: p.name || t("page.unnamed") });
  image.addEventListener("error", () => {
    if (p.thumbnail && !image.src.endsWith(p.thumbnail)) image.src = p.thumbnail;
    else image.replaceWith(el("p", { class: "quiet" }, t("page.no_original")));
  });
  const facts = el("div", { class: "facts" },
    el("h2", {}, p.name || t("page.unnamed")),
    el("p", { class: "quiet" }, `${p.format.toUpperCase()}, ${p.width} × ${p.height}, ${size(p.bytes)}`),
    el("p", { class: "quiet" }, t("page.used", { Time: moment(p.used) })));
  $("viewed").replaceChildren(
    el("div", { class: "bar" },
      button("←", () => step(-1), { "aria-label": t("page.previous") }),
      button("→", () => step(1), { "aria-label": t("page.next") }),
      el("span", { class: "space" }),
      button(t("page.close"), () => $("viewer").close())),
    el("div", { class: "large" }, p.original || p.thumbnail ? image : el("p", { class: "quiet" }, t("page.no_original"))),
    facts);
  const whole = await attempt(() => get(`/api/pictures/${p.id}`));
  if (!whole || mine !== round) return;
  if (whole.differs) facts.append(el("p", { class: "note" }, t("page.differs")));
  if (whole.sent && (whole.sent.width !== p.width || whole.sent.height !== p.height || whole.sent.format !== p.format))
    facts.append(el("p", { class: "note" }, t("page.sent", { Format: whole.sent.format.toUpperCase(), Width: whole.sent.width, Height: whole.sent.height })));
  const markups = el("table", {}, el("caption", {}, t("page.links.ways")));
  for (const [name, text] of Object.entries(whole.texts)) {
    const copy = async () => {
      if (await attempt(() => copyLinks({ ids: [p.id], ...(name === "mine" ? {} : { format: name }) }, app.state()))) toast(t("page.copied", { Count: 1 }));
    };
    markups.append(el("tr", {}, el("th", { scope: "row" }, app.markupName(name)), el("td", {}, el("code", {}, text)), el("td", {}, button(t("page.copy"), copy, { "aria-label": `${t("page.copy")}: ${app.markupName(name)}` }))));
  }
  facts.append(markups, el("h3", {}, t("page.links")), el("ul", { class: "lines" }, ...whole.links.map((l) =>
    el("li", { class: l.dead ? "dead" : "" },
      el("code", {}, l.url),
      el("span", { class: "quiet" }, ` ${l.host}${l.bucket ? " · " + l.bucket : ""}, ${moment(l.made)}${l.dead ? ", " + t("page.dead_since", { Time: moment(l.dead) }) : ""}`)))),
    el("div", { class: "bar" },
      p.original && app.state().backend ? button(t("page.put_back"), async () => {
        if (await attempt(() => post("/api/put-back", { sum: p.sum }))) toast(t("page.put_back.done"));
      }) : "",
      button(t("page.again"), () => app.upload({ ids: [p.id], names: new Map([[p.id, p.name]]) }))));
}
