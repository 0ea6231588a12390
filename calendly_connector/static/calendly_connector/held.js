// Marks meetings in place, by click or by key. Without it, each button posts its form and the page comes back.

const list = document.getElementById("cc-held-list");
const status = document.getElementById("cc-held-status");
const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

const rows = () => [...list.querySelectorAll(".cc-held")];

function say(words) {
  status.textContent = ""; // the same words twice are told twice
  requestAnimationFrame(() => {
    status.textContent = words;
  });
}

/** Make one row the one that Tab reaches, and go there. */
function choose(row, options = {}) {
  for (const each of rows()) each.tabIndex = each === row ? 0 : -1;
  row.focus(options);
}

function showCopy(part) {
  for (const button of part.querySelectorAll("[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const input = document.getElementById(button.dataset.copy);
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
    say(list.dataset.copied);
  } catch {
    input.focus(); // not allowed here: it is selected, and the browser's own key copies it
  }
}

/** Put a row in the place of another, with the focus where it was, or on what the press was to bring. */
function replace(row, html, wanted) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const fresh = template.content.firstElementChild;
  row.replaceWith(fresh);
  showCopy(fresh);
  choose(fresh);
  if (wanted) fresh.querySelector(wanted)?.focus();
  say(fresh.querySelector("[data-said]")?.textContent ?? "");
}

async function press(row, button) {
  if (row.ariaBusy === "true") return;
  row.ariaBusy = "true";
  const form = button.form;
  const body = new FormData(form, button);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-In-Place": "1" } });
    if (answer.redirected || !answer.ok) {
      location.reload(); // logged out, or no longer there: the page says so
      return;
    }
    replace(row, await answer.text(), button.dataset.then);
  } catch {
    row.ariaBusy = "false";
    say(list.dataset.lost);
  }
}

function move(row, step) {
  const all = rows();
  const next = all[all.indexOf(row) + step];
  if (next) choose(next);
}

list.addEventListener("submit", (event) => {
  const row = event.target.closest(".cc-held");
  if (!row || !event.submitter) return;
  event.preventDefault();
  press(row, event.submitter);
});

list.addEventListener("keydown", (event) => {
  const row = event.target.closest(".cc-held");
  if (!row || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  if (event.key in STEPS) {
    event.preventDefault();
    move(row, STEPS[event.key]);
    return;
  }
  if (!["a", "n", "u", "l"].includes(event.key) || event.repeat) return;
  event.preventDefault();
  const button = row.querySelector(`[aria-keyshortcuts="${event.key}"]`);
  if (button?.dataset.copy) copy(button);
  else if (button) press(row, button);
  else say(list.dataset.nothing);
});

list.addEventListener("focusin", (event) => {
  const row = event.target.closest(".cc-held");
  if (row) for (const each of rows()) each.tabIndex = each === row ? 0 : -1;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

showCopy(document);
const first = document.getElementById(location.hash.slice(1)) ?? rows()[0];
if (first?.matches(".cc-held")) choose(first, { preventScroll: !location.hash });
