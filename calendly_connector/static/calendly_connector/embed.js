// Shows a booking page inside another site:
//   <script src="https://…/book/embed.js" data-page="the-slug" async></script>
// The frame is as high as its content. When something is booked, the script's element gets the event
// "calendly-connector:booked" with {eventType, start} as its detail; nothing else about the visitor comes out.
(() => {
  const script = document.currentScript;
  const slug = script?.dataset.page;
  if (!slug) return;
  const address = new URL(encodeURIComponent(slug), script.src);
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name.startsWith("utm_")) address.searchParams.set(name, value);
  }
  if (script.dataset.lang) address.searchParams.set("lang", script.dataset.lang);
  address.searchParams.set("parent", location.origin);

  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = script.dataset.title || "Booking";
  frame.height = "720";
  frame.style.cssText = "display: block; width: 100%; border: 0";
  script.after(frame);

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== address.origin || !data) return;
    if (data.type === "calendly-connector:height" && Number.isFinite(data.height)) {
      frame.height = String(Math.min(Math.max(data.height, 200), 10000));
    } else if (data.type === "calendly-connector:booked") {
      const detail = { eventType: String(data.eventType), start: String(data.start) };
      script.dispatchEvent(new CustomEvent(data.type, { bubbles: true, detail }));
    }
  });
})();
