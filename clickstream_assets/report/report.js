"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const axis = () => ({
    automargin: true,
    gridcolor: dark.matches ? "#2e3542" : "#e6e9ef",
    zerolinecolor: dark.matches ? "#3c4556" : "#cfd5df",
  });
  const themed = (layout) => ({
    ...layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: dark.matches ? "#e7eaf0" : "#1c2330", family: "system-ui, sans-serif" },
    colorway: dark.matches ? ["#6ea8fe", "#ffb454", "#7bd88f", "#ff8a80"] : ["#2563c9", "#d97706", "#15803d", "#b3261e"],
    legend: { orientation: "h", y: 1.12 },
    hovermode: layout.hovermode || "closest",
    dragmode: touch ? false : "zoom", // on a phone a finger scrolls the page
    xaxis: { ...axis(), ...layout.xaxis },
    yaxis: { ...axis(), ...layout.yaxis },
  });
  const draw = () => {
    for (const [id, figure] of Object.entries(figures)) {
      Plotly.react(id, figure.data, themed(figure.layout), { responsive: true, displaylogo: false });
    }
  };
  dark.addEventListener("change", draw);
  draw();
})();
