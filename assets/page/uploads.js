// Uploads from the page: dropped, pasted or chosen files, and originals again.

import { lines, Problem } from "./api.js";
import { $, button, el, toast, attempt } from "./dom.js";
import { t } from "./texts.js";

const atOnce = 2;
const waiting = [];
let running = 0;
let made = []; // the links of this row of uploads, in the order of the files

export function start() {
  const drop = $("drop");
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth++;
    drop.hidden = false;
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    drop.hidden = depth === 0;
  });
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    depth = 0;
    drop.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    upload({ files: [...event.dataTransfer.files] });
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) upload({ files });
  });
}

// upload sends files, or the originals of ids again.
export function upload({ files = [], ids = [], names = new Map() }) {
  if (running === 0 && waiting.length === 0) {
    made = [];
    $("uploads").replaceChildren(
      el("div", { class: "bar" }, el("h2", {}, t("page.uploads")), el("span", { class: "space" }),
        button(t("page.copy_all"), copyAll, { id: "copy-all", hidden: true }),
        button(t("page.close"), () => ($("uploads").hidden = true))),
      el("ol", { class: "lines", id: "upload-lines" }));
  }
  $("uploads").hidden = false;
  for (const file of files)
    enqueue(file.name || t("page.unnamed"), () => lines(`/api/upload?${new URLSearchParams({ name: file.name, size: file.size })}`, file, "application/octet-stream"));
  for (const id of ids)
    enqueue(names.get(id) || t("page.unnamed"), () => lines("/api/again", JSON.stringify({ ids: [id] }), "application/json"));
}

function enqueue(name, begin) {
  const bar = el("progress", { "aria-label": name });
  const says = el("span", { class: "quiet" }, t("page.upload.queued"));
  const line = el("li", {}, el("span", { class: "name" }, name), bar, says);
  $("upload-lines").append(line);
  const index = made.push(null) - 1;
  waiting.push(async () => {
    try {
      for await (const stage of begin()) {
        if (stage.stage === "received") says.textContent = t("page.upload.received");
        else if (stage.stage === "sending") {
          bar.max = stage.bytes;
          bar.value = stage.sent;
          says.textContent = t("page.upload.sending");
        } else if (stage.stage === "done") {
          made[index] = stage.picture.text;
          bar.remove();
          says.textContent = stage.picture.known ? t("page.upload.known") : t("page.upload.done");
          line.append(el("code", {}, stage.picture.text),
            button(t("page.copy"), () => copy(stage.picture.text)),
            ...(stage.picture.notes ?? []).map((note) => el("p", { class: "note" }, note)));
        } else if (stage.stage === "failed") throw Object.assign(new Problem(stage.error), { waits: stage.waits });
      }
    } catch (error) {
      bar.remove();
      line.classList.add("failed");
      says.textContent = error.message;
      if (error.waits) line.append(el("p", { class: "note" }, t("page.upload.waits")));
      else if (error.hint) line.append(el("p", { class: "note" }, error.hint));
    }
    $("copy-all").hidden = made.filter(Boolean).length < 2;
  });
  next();
}

async function next() {
  if (running >= atOnce || waiting.length === 0) return;
  running++;
  try {
    await waiting.shift()();
  } finally {
    running--;
    next();
  }
}

async function copy(text) {
  await attempt(async () => {
    await navigator.clipboard.writeText(text);
    toast(t("page.copied", { Count: 1 }));
  });
}

const copyAll = () => copy(made.filter(Boolean).join("\n"));
