// Says what is wrong with a line while it is edited, in the server's words. Without it, saving says the same.

const form = document.getElementById("cc-lines");
const lines = form.querySelector(".cc-field-lines");
const asked = new WeakMap(); // line → the question under way, to be dropped for a newer one
const NEW = "+";

const part = (line, name) => line.querySelector(`[data-part="${name}"]`);

/** The attribute of a line as it stands: picked, or written. */
function nameOf(line) {
  const picked = part(line, "attribute").value;
  return picked && picked !== NEW ? picked : part(line, "new_attribute").value.trim().toUpperCase();
}

/** The name of a new attribute is asked for only when one is wanted. */
function showName(line, proposed = "") {
  const input = part(line, "new_attribute");
  const isNew = part(line, "attribute").value === NEW;
  if (isNew && !input.value) input.value = proposed;
  if (!isNew) input.value = "";
  input.hidden = !isNew;
}

function fill(parent, items, tag, mark = "") {
  parent.replaceChildren(
    ...items.map((text) => {
      const item = document.createElement(tag);
      if (mark) {
        const sign = document.createElement("span");
        sign.ariaHidden = "true";
        sign.textContent = mark;
        item.append(sign, " ");
      }
      item.append(text);
      return item;
    }),
  );
}

function say(line, said) {
  line.querySelector(".cc-conversion").textContent = said.conversion;
  fill(line.querySelector(".cc-warnings"), said.warnings, "li", "!");
  const answers = line.querySelector(".cc-answers");
  fill(answers.querySelector("span"), said.answers, "q");
  answers.hidden = !said.answers.length;
  const use = line.querySelector(".cc-use");
  use.hidden = !said.replacement;
  use.value = said.replacement?.source ?? "";
  use.textContent = said.replacement?.words ?? "";
}

async function check(line) {
  asked.get(line)?.abort();
  const asking = new AbortController();
  asked.set(line, asking);
  const query = new URLSearchParams({ source: part(line, "source").value, attribute: nameOf(line) });
  try {
    const answer = await fetch(`${form.dataset.check}?${query}`, { signal: asking.signal });
    if (!answer.ok) return; // logged out, say: saving will tell
    const said = await answer.json();
    const input = part(line, "new_attribute");
    const isNameless = part(line, "attribute").value === NEW && !input.value;
    say(line, said);
    showName(line, said.proposed_name);
    if (isNameless && input.value) await check(line);
  } catch (error) {
    if (error.name !== "AbortError") console.warn(error);
  }
}

function addLine() {
  const count = form.elements["lines-TOTAL_FORMS"];
  const html = form.querySelector("template").innerHTML.replaceAll("__prefix__", count.value);
  lines.insertAdjacentHTML("beforeend", html);
  count.value = Number(count.value) + 1;
  showName(lines.lastElementChild);
  part(lines.lastElementChild, "source").focus();
}

for (const line of lines.querySelectorAll(".cc-field-line")) showName(line);
lines.addEventListener("change", (change) => {
  const name = change.target.dataset.part;
  const line = change.target.closest(".cc-field-line");
  if (name === "attribute") showName(line);
  if (name !== "overwrite" && name) check(line);
});

const button = form.querySelector(".cc-add-line");
if (button) {
  button.hidden = false;
  button.addEventListener("click", addLine);
}
