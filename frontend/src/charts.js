// Pictures: <div data-chart='{"kind": "history", …}' role="img" aria-label="…">. Every picture stands beside a table that says the same.
// Drawn on a canvas, so that no style has to be written into the page. Amounts come as minor units with the currency's places.
import { BarChart, LineChart, SankeyChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, LineChart, SankeyChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

const root = document.documentElement;
const locale = root.dataset.locale || undefined;
const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

const money = (minor, { places = 2, currency = "" } = {}) => {
  const text = (Math.abs(minor) / 10 ** places).toLocaleString(locale, { minimumFractionDigits: places, maximumFractionDigits: places });
  return `${minor < 0 ? `(${text})` : text}${currency ? ` ${currency}` : ""}`;
};
const short = (minor, { places = 2 } = {}) =>
  (minor / 10 ** places).toLocaleString(locale, { notation: "compact", maximumFractionDigits: 1 });

const palette = () => ({
  ink: colour("--tblr-body-color") || "#333",
  faint: colour("--tblr-secondary") || "#888",
  line: colour("--tblr-border-color") || "#ddd",
  good: colour("--bh-good"), bad: colour("--bh-bad"), main: colour("--bh-main"), soft: colour("--bh-soft"), paper: colour("--tblr-bg-surface"),
  series: ["--bh-main", "--bh-second", "--bh-third", "--bh-fourth", "--bh-soft"].map(colour),
});

const base = (p) => ({
  animation: false,
  textStyle: { fontFamily: colour("--tblr-font-sans-serif") || "sans-serif", color: p.ink },
  grid: { left: 8, right: 12, top: 16, bottom: 4, containLabel: true },
  tooltip: { renderMode: "richText", backgroundColor: p.paper, borderColor: p.line, textStyle: { color: p.ink } },
});
const axes = (p, what, names) => ({
  xAxis: { type: "category", data: names, axisLine: { lineStyle: { color: p.line } }, axisTick: { show: false }, axisLabel: { color: p.faint, hideOverlap: true } },
  yAxis: { type: "value", splitLine: { lineStyle: { color: p.line } }, axisLabel: { color: p.faint, formatter: (value) => short(value, what) } },
});

const KINDS = {
  /** Lines over time: {names, series: [{name, values}], currency, places}. */
  history: (what, p) => ({
    ...base(p), ...axes(p, what, what.names), color: p.series,
    legend: what.series.length > 1 ? { top: 0, textStyle: { color: p.faint }, icon: "roundRect", itemHeight: 3 } : undefined,
    grid: { ...base(p).grid, top: what.series.length > 1 ? 32 : 16 },
    tooltip: { ...base(p).tooltip, trigger: "axis", valueFormatter: (value) => money(value, what) },
    series: what.series.map((each) => ({
      type: "line", name: each.name, data: each.values, showSymbol: each.values.length < 3, symbolSize: 6, lineStyle: { width: 2 },
      step: what.step ? "end" : undefined, areaStyle: what.area ? { opacity: 0.08 } : undefined,
    })),
  }),
  /** Two balances that are to be equal, over time, and below them by how much they are not: {at: [ms], clearing, stripe, off, names, zone}. */
  proof: (what, p) => {
    const when = (ms, style) => new Date(ms).toLocaleString(locale, { timeZone: what.zone, ...style });
    const [clearing, stripe, off] = what.names;
    const points = (values) => what.at.map((ms, n) => [ms, values[n]]);
    const widest = Math.max(1, ...what.off.map((each) => Math.abs(each ?? 0)));
    const days = (what.at.at(-1) - what.at[0]) / 864e5;
    const style = days > 2 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
    const x = { type: "time", axisLine: { lineStyle: { color: p.line } }, axisTick: { show: false }, splitLine: { show: false } };
    const line = { type: "line", step: "end", showSymbol: what.at.length < 3, xAxisIndex: 0, yAxisIndex: 0 };
    return {
      ...base(p),
      legend: { top: 0, data: [stripe, clearing], textStyle: { color: p.faint }, icon: "roundRect", itemHeight: 3 },
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      grid: [{ left: 72, right: 12, top: 32, bottom: 106 }, { left: 72, right: 12, height: 48, bottom: 24 }],
      tooltip: {
        ...base(p).tooltip, trigger: "axis",
        formatter: (found) => {
          const at = found[0].value[0], n = what.at.indexOf(at);
          const said = (value) => (value === null ? "–" : money(value, what));
          return [when(at, { dateStyle: "medium", timeStyle: "short" }), `${clearing}  ${said(what.clearing[n])}`, `${stripe}  ${said(what.stripe[n])}`, `${off}  ${said(what.off[n])}`].join("\n");
        },
      },
      xAxis: [
        { ...x, gridIndex: 0, axisLabel: { show: false } },
        { ...x, gridIndex: 1, axisLabel: { color: p.faint, hideOverlap: true, formatter: (ms) => when(ms, style) } },
      ],
      yAxis: [
        { ...axes(p, what, []).yAxis, gridIndex: 0, scale: true },
        { ...axes(p, what, []).yAxis, gridIndex: 1, min: -widest, max: widest, interval: widest, name: off, nameTextStyle: { color: p.faint, align: "left", padding: [0, 0, 0, -64] }, nameGap: 8, axisLabel: { color: p.faint, formatter: (value) => (value === 0 ? money(0, { places: what.places }) : widest > 1 ? short(value, what) : "") } },
      ],
      series: [
        { ...line, name: stripe, data: points(what.stripe), lineStyle: { width: 6, opacity: 0.28 }, itemStyle: { color: p.series[1] }, color: p.series[1] },
        { ...line, name: clearing, data: points(what.clearing), lineStyle: { width: 2 }, itemStyle: { color: p.main }, color: p.main },
        { type: "line", name: off, step: "end", xAxisIndex: 1, yAxisIndex: 1, showSymbol: false, data: points(what.off), itemStyle: { color: what.off.some((each) => each) ? p.bad : p.good }, lineStyle: { width: 2, color: what.off.some((each) => each) ? p.bad : p.good } },
      ],
    };
  },
  /** Bars by name, stacked where asked: {names, series: [{name, values}], stacked}. */
  bars: (what, p) => ({
    ...KINDS.history({ ...what, area: false }, p),
    series: what.series.map((each) => ({ type: "bar", name: each.name, data: each.values, stack: what.stacked ? "all" : undefined, barMaxWidth: 28 })),
  }),
  /** From gross to what arrived: {steps: [{name, minor, total?}]}. */
  waterfall: (what, p) => {
    let level = 0;
    const bars = what.steps.map((step) => {
      const from = step.total ? 0 : level;
      level = step.total ? step.minor : level + step.minor;
      return { name: step.name, minor: step.minor, low: Math.min(from, level), high: Math.max(from, level), total: step.total };
    });
    const sameSide = bars.every((each) => each.low >= 0);
    return {
      ...base(p), ...axes(p, what, bars.map((each) => each.name)),
      tooltip: { ...base(p).tooltip, trigger: "item", formatter: ({ dataIndex }) => `${bars[dataIndex].name}\n${money(bars[dataIndex].minor, what)}` },
      series: [
        { type: "bar", stack: "all", silent: true, itemStyle: { color: "transparent" }, data: bars.map((each) => (sameSide ? each.low : 0)), tooltip: { show: false } },
        {
          type: "bar", stack: "all", barMaxWidth: 64,
          data: bars.map((each) => ({
            value: sameSide ? each.high - each.low : each.minor,
            itemStyle: { color: each.total ? p.main : each.minor < 0 ? p.bad : p.good, borderRadius: 2 },
          })),
          label: { show: true, position: "top", color: p.ink, fontSize: 11, formatter: ({ dataIndex }) => money(bars[dataIndex].minor, { places: what.places }) },
        },
      ],
    };
  },
  /** Where money came from and went: {nodes: [name], links: [{from, to, minor}]}. */
  flow: (what, p) => ({
    ...base(p), color: p.series,
    tooltip: { ...base(p).tooltip, trigger: "item", valueFormatter: (value) => money(value, what) },
    series: [{
      type: "sankey", nodeAlign: "left", nodeGap: 14, left: 4, right: 120, top: 8, bottom: 8, draggable: false,
      data: what.nodes.map((name) => ({ name })), links: what.links.map((each) => ({ source: each.from, target: each.to, value: each.minor })),
      label: { color: p.ink }, lineStyle: { color: "source", opacity: 0.25 },
    }],
  }),
};

const drawn = new WeakMap();
const draw = (place) => {
  const what = JSON.parse(place.dataset.chart);
  let chart = drawn.get(place);
  if (!chart || chart.isDisposed()) {
    chart = echarts.init(place, null, { renderer: "canvas" });
    drawn.set(place, chart);
    new ResizeObserver(() => chart.isDisposed() || chart.resize()).observe(place);
  }
  chart.setOption(KINDS[what.kind](what, palette()), true);
};
const all = () => { for (const place of document.querySelectorAll("[data-chart]")) draw(place); };
all();
document.addEventListener("htmx:afterSettle", all);
window.addEventListener("bookhand:drawn", all);
