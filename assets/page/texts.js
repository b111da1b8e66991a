// The user's language.

let texts = {};
let plural = new Intl.PluralRules("en");
export let language = "en";

export function setTexts(answer) {
  texts = answer.texts;
  language = answer.language;
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
}

// t says the message with this id, with what stands for its placeholders.
export function t(id, data = {}) {
  let text = texts[id] ?? id;
  if (typeof text === "object") text = text[plural.select(data.Count ?? 0)] ?? text.other;
  return text.replace(/{{\s*\.(\w+)\s*}}/g, (_, name) => data[name] ?? "");
}

export const has = (id) => id in texts;

// translate fills in the texts of a part of the page.
export function translate(root = document) {
  for (const e of root.querySelectorAll("[data-t]")) e.textContent = t(e.dataset.t);
  for (const e of root.querySelectorAll("[data-label]")) e.setAttribute("aria-label", t(e.dataset.label));
  for (const e of root.querySelectorAll("[data-hint]")) e.placeholder = t(e.dataset.hint);
}

export const day = (time) => new Date(time).toLocaleDateString(language, { dateStyle: "medium" });
export const moment = (time) => new Date(time).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
export const clock = (time) => new Date(time).toLocaleTimeString(language);
export const month = (name) => new Date(name + "-15T12:00:00").toLocaleDateString(language, { year: "numeric", month: "long" });
export const number = (n) => n.toLocaleString(language);

export function size(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
