// Puts each step of a booking page in place of the one before it, without loading the page anew. All words, links and
// times come from the server: without this script the same links and forms lead through the same steps.

const main = () => document.getElementById("book");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
let sequence = 0;

/** Fetch a page and show its step. Whatever goes wrong is left to the browser, which shows it as without a script. */
async function go(address, { method = "GET", body, replaces = false, isBack = false } = {}) {
  const mine = ++sequence;
  if (method === "GET") address = inOwnZone(address);
  main().setAttribute("aria-busy", "true");
  let answer, text;
  try {
    answer = await fetch(address, { method, body, headers: { Accept: "text/html" } });
    text = await answer.text();
  } catch {
    if (mine === sequence) stay(method, address, main().dataset.lost);
    return;
  }
  if (mine !== sequence) return; // somebody went on meanwhile
  const found = new DOMParser().parseFromString(text, "text/html");
  const next = found.getElementById("book");
  if (!next) return stay(method, address, main().dataset.lost);
  if (method === "POST" && !answer.ok && !next.querySelector("form.book-form")) {
    return stay(method, address, [...next.querySelectorAll("h2, h2 + p")].map((each) => each.textContent).join(". "));
  }
  document.title = found.title;
  document.documentElement.lang = found.documentElement.lang;
  main().replaceWith(document.adoptNode(next));
  if (!isBack && (method === "GET" || answer.redirected)) {
    history[replaces ? "replaceState" : "pushState"](null, "", answer.url);
  }
  settle({ isQuiet: replaces });
}

/** Ask for the visitor's own zone, unless another one was chosen. */
function inOwnZone(address) {
  const found = new URL(address, location.href);
  if (zone && !found.searchParams.has("zone")) found.searchParams.set("zone", zone);
  return found;
}

/** A page that can't be fetched is loaded; a form that can't be taken stays as it is, to be sent again, and says why. */
function stay(method, address, words) {
  if (method === "GET") return location.assign(address);
  main().removeAttribute("aria-busy");
  const form = main().querySelector("form.book-form");
  const note = form?.querySelector("#lost") ?? document.createElement("p");
  Object.assign(note, { id: "lost", className: "book-note", textContent: words });
  note.setAttribute("role", "alert");
  form?.querySelector("[type=submit]").before(note);
  for (const button of main().querySelectorAll("[type=submit]")) button.disabled = false;
}

/** After a step has come: put the focus where reading goes on, and tell the site around us. */
function settle({ isQuiet = false } = {}) {
  const step = main();
  if (!isQuiet) {
    const target = step.querySelector("[autofocus]") ?? step.querySelector("#day") ?? step.querySelector("[data-heading]");
    target?.focus({ preventScroll: target.id === "day" });
    if (target?.id === "day") target.scrollIntoView({ block: "nearest" });
  }
  tellHeight();
  const { bookedType, bookedStart } = step.dataset;
  if (bookedType) tell({ type: "calendly-connector:booked", eventType: bookedType, start: bookedStart });
}

/** Say something to the site that embeds us: only to one of the page's allowed origins, which the server has checked. */
function tell(message) {
  const origin = main().dataset.parent;
  if (origin && parent !== window) parent.postMessage(message, origin);
}

function tellHeight() {
  tell({ type: "calendly-connector:height", height: Math.ceil(document.documentElement.getBoundingClientRect().height) });
}

document.addEventListener("click", (click) => {
  const link = click.target.closest("a[data-step]");
  if (!link || click.button || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
  click.preventDefault();
  go(link.href);
});

document.addEventListener("submit", (submit) => {
  const form = submit.target.closest("form[data-step]");
  if (!form) return;
  submit.preventDefault();
  if (form.method === "get") {
    const address = new URL(form.action);
    address.search = new URLSearchParams(new FormData(form));
    return go(address);
  }
  for (const button of form.querySelectorAll("[type=submit]")) button.disabled = true; // one click, one booking
  go(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
});

document.addEventListener("change", (change) => {
  if (change.target.id === "zone") change.target.form.requestSubmit();
});

addEventListener("popstate", () => go(location.href, { isBack: true }));

document.documentElement.classList.add("has-script");
new ResizeObserver(tellHeight).observe(document.documentElement);

if ("askZone" in main().dataset && zone && zone !== main().dataset.zone) {
  go(location.href, { replaces: true });
} else {
  settle({ isQuiet: true });
}
