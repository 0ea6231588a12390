// Makes the form of a mapping row shorter to look at. Without it, everything is shown and works alike.

for (const input of document.querySelectorAll("[data-narrow]")) {
  const options = [...document.getElementById(input.dataset.narrow).querySelectorAll("label")];
  input.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of options) {
      const text = option.textContent.toLowerCase();
      option.hidden = !option.firstElementChild.checked && !words.every((word) => text.includes(word));
    }
  });
  input.addEventListener("keydown", (press) => {
    if (press.key === "Enter") press.preventDefault(); // it narrows; it saves nothing
  });
}

/** Show `parts` only while the radio button of this name has the value that a part is for. */
function showBy(name, parts, valueOf) {
  const radios = [...document.querySelectorAll(`input[type="radio"][name="${name}"]`)];
  if (!radios.length) return;
  const update = () => {
    const chosen = radios.find((radio) => radio.checked)?.value;
    for (const part of parts) part.hidden = valueOf(part) !== chosen;
  };
  for (const radio of radios) radio.addEventListener("change", update);
  update();
}

showBy("choice", document.querySelectorAll("[data-own]"), () => "own");
showBy("consent-mode", document.querySelectorAll("[data-mode]"), (part) => part.dataset.mode);
