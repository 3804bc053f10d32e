// Draws the charts of a page, in the colours of the scheme that the reader prefers.
import { onNew } from "./live.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
let tools = null;

function loaded() {
  tools ??= Promise.all([
    new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = document.querySelector("meta[name=charts]").content;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    }),
    fetch("/charts/themes.json").then((response) => response.json()),
  ]);
  return tools;
}

async function draw(figure) {
  const place = figure.querySelector(".drawing");
  const [, themes] = await loaded();
  figure.view?.finalize();
  const drawn = await window.vegaEmbed(place, JSON.parse(figure.dataset.spec), {
    actions: false,
    ast: true,
    config: themes[dark.matches ? "dark" : "light"],
    defaultStyle: false,
    renderer: "canvas",
    tooltip: false,
  });
  figure.view = drawn.view;
  figure.dataset.drawn = "true";
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target).catch(() => target.querySelector("details")?.setAttribute("open", ""));
    }
  },
  { rootMargin: "200px" },
);

onNew((root) => {
  for (const figure of root.querySelectorAll("figure[data-spec]")) {
    // Else the page would move, perhaps under a click, when the drawing is done.
    figure.querySelector(".drawing").style.height = `${JSON.parse(figure.dataset.spec).height}px`;
    seen.observe(figure);
  }
});

dark.addEventListener("change", () => {
  for (const figure of document.querySelectorAll("figure[data-drawn]")) seen.observe(figure);
});
