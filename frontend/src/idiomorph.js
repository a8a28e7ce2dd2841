// `hx-swap="morph"` keeps focus, scroll and open details of what a live update leaves as it is.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph" || style === "morph:outerHTML",
  handleSwap: (style, target, fragment) => {
    if (style !== "morph" && style !== "morph:outerHTML") return false;
    return Idiomorph.morph(target, fragment.children, {
      morphStyle: "outerHTML",
      callbacks: {
        // What a person has opened stays open, and what a chart has drawn stays drawn.
        beforeAttributeUpdated: (name, node) =>
          !(name === "open" && (node.tagName === "DETAILS" || node.tagName === "DIALOG")),
        beforeNodeMorphed: (old, fresh) =>
          !(old instanceof HTMLElement && old.dataset.chart && fresh.dataset?.chart === old.dataset.chart),
      },
    });
  },
});
