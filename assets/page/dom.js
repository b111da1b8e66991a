// Small helpers to build the page: nothing of what is shown is ever HTML.

import { t } from "./texts.js";

export const $ = (id) => document.getElementById(id);

// el makes an element. Attributes that begin with "on" are listeners, true and
// false set and leave out, and children are elements or texts.
export function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (name === "class") e.className = value;
    else if (name === "value") e.value = value;
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return e;
}

export const button = (text, does, attributes = {}) => el("button", { type: "button", onclick: does, ...attributes }, text);

// toast says something in passing: in the large view while that is open, for all
// else is inert then.
export function toast(text, failed = false) {
  const e = el("p", { class: failed ? "toast failed" : "toast" }, text);
  const home = $("viewer").open ? $("viewer") : document.body;
  if ($("toasts").parentNode !== home) home.append($("toasts"));
  $("toasts").append(e);
  setTimeout(() => e.remove(), failed ? 10000 : 4000);
}

// attempt does something, and says what went wrong.
export async function attempt(task) {
  try {
    return await task();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    toast(error.hint ? `${error.message} — ${error.hint}` : error.message, true);
    return undefined;
  }
}

// confirmed asks before something that cannot be undone.
export function confirmed(question, yes) {
  const dialog = $("confirm");
  return new Promise((resolve) => {
    dialog.replaceChildren(
      el("p", { id: "question" }, question),
      el("form", { method: "dialog", class: "bar" },
        el("button", { value: "no", autofocus: true }, t("page.cancel")),
        el("button", { value: "yes", class: "danger" }, yes)),
    );
    dialog.setAttribute("aria-labelledby", "question");
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

// options fills a select, and keeps what is chosen.
export function options(select, all, chosen) {
  const wanted = JSON.stringify(all);
  if (select.dataset.all !== wanted) {
    select.replaceChildren(...all.map(([value, text]) => el("option", { value }, text)));
    select.dataset.all = wanted;
  }
  if (document.activeElement !== select || select.value === "") select.value = chosen;
}

export const later = (wait, task) => {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => task(...args), wait);
  };
};
