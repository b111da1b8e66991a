// What the page asks of the program.

// Problem is an error that the program has words for.
export class Problem extends Error {
  constructor(told, status) {
    super(told.message);
    this.hint = told.hint ?? "";
    this.kind = told.kind ?? "other";
    this.status = status;
  }
}

async function told(response) {
  try {
    return (await response.json()).error ?? { message: response.statusText };
  } catch {
    return { message: response.statusText || `HTTP ${response.status}` };
  }
}

async function ask(path, options) {
  const response = await fetch(path, options);
  if (!response.ok) throw new Problem(await told(response), response.status);
  return response;
}

export async function get(path, signal) {
  return (await ask(path, { signal })).json();
}

export async function post(path, body = {}) {
  const response = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

// copyLinks puts links on the clipboard, and returns them: on the browser's, where
// the program has none.
export async function copyLinks(body, state) {
  const { text } = await post("/api/copy", body);
  if (!state.backend) await navigator.clipboard.writeText(text);
  return text;
}

// lines sends a request and yields each line of its answer as it comes.
export async function* lines(path, body, type) {
  const response = await ask(path, { method: "POST", headers: { "Content-Type": type }, body });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? "";
    const whole = rest.split("\n");
    rest = done ? "" : whole.pop();
    for (const line of whole) if (line) yield JSON.parse(line);
    if (done) return;
  }
}

// listen passes each event to the handler of its name. The connection is given
// up while the tab is hidden: a browser has six for all of them.
export function listen(handlers, lost) {
  let source = null;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource("/api/events");
    for (const [name, handle] of Object.entries(handlers))
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    source.addEventListener("open", () => lost(false));
    source.addEventListener("error", () => {
      lost(true);
      if (source.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(open, 3000);
      }
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    source?.close();
    source = null;
  });
  open();
}
