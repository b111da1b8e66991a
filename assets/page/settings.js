// Every setting with its meaning, checked as it is typed, saved when it is done.

import { get, post } from "./api.js";
import { $, attempt, button, el, later, toast } from "./dom.js";
import { t } from "./texts.js";

export async function show() {
  const answer = await attempt(() => get("/api/settings"));
  if (!answer) return;
  const focused = document.activeElement?.id;
  $("settings").replaceChildren(
    el("h2", {}, t("page.settings")),
    el("p", { class: "quiet" }, t("page.settings.file", { File: answer.file })),
    ...answer.settings.map(row));
  if (focused) $(focused)?.focus();
}

function row(s) {
  const id = `setting-${s.key}`;
  const wrong = el("p", { class: "note", id: `${id}-wrong`, role: "alert" });
  const says = (error) => {
    wrong.textContent = error ? `${error.message}${error.hint ? " — " + error.hint : ""}` : "";
    input.setAttribute("aria-invalid", String(Boolean(error)));
  };
  const check = later(150, async (value) => {
    try {
      await post("/api/settings/check", { key: s.key, value });
      says(null);
    } catch (error) {
      says(error);
    }
  });
  const save = async (value) => {
    try {
      await post("/api/settings", { key: s.key, value });
      says(null);
      toast(t("page.saved", { Key: s.key }));
      if (s.kind === "secret") {
        input.value = "";
        state.textContent = value ? t("page.secret.set") : t("page.secret.none");
      }
    } catch (error) {
      says(error);
    }
  };
  const state = el("span", { class: "quiet" }, s.kind === "secret" ? t(s.set ? "page.secret.set" : "page.secret.none") : "");
  const common = { id, "aria-describedby": `${id}-meaning ${id}-wrong` };
  let input;
  let extra = "";
  if (s.kind === "bool") {
    input = el("input", { ...common, type: "checkbox", checked: s.value === "true", onchange: () => save(String(input.checked)) });
  } else if (s.kind === "choice" && !s.open) {
    input = el("select", { ...common, onchange: () => save(input.value) }, ...s.choices.map((c) => el("option", { value: c, selected: c === s.value }, c || t("page.default"))));
  } else if (s.kind === "secret") {
    input = el("input", { ...common, type: "password", autocomplete: "off", oninput: () => input.value && check(input.value) });
    extra = el("span", { class: "bar" },
      button(t("page.secret.save"), () => input.value && save(input.value)), button(t("page.secret.clear"), () => save("")), state);
  } else {
    input = el("input", {
      ...common, type: s.kind === "number" ? "number" : "text", value: s.value, spellcheck: "false", autocomplete: "off",
      placeholder: s.default, list: s.choices?.length ? `${id}-choices` : undefined,
      oninput: () => check(input.value), onchange: () => save(input.value),
    });
    if (s.choices?.length) extra = el("datalist", { id: `${id}-choices` }, ...s.choices.map((c) => el("option", { value: c })));
  }
  return el("div", { class: "setting card" },
    el("label", { for: id }, el("code", {}, s.key)), input, extra,
    el("p", { class: "quiet", id: `${id}-meaning` }, s.meaning), wrong);
}
