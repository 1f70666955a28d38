"use strict";
// Draws the figures, which stand in the page as inert JSON.
document.addEventListener("DOMContentLoaded", () => {
  for (const source of document.querySelectorAll("script.carbon-figure")) {
    const figure = JSON.parse(source.textContent);
    const place = document.createElement("div");
    place.className = "figure";
    place.style.height = `${source.dataset.height || 420}px`;
    source.after(place);
    delete figure.layout.height;
    delete figure.layout.width;
    figure.layout.autosize = true;
    Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displaylogo: false, showSendToCloud: false });
  }
});
