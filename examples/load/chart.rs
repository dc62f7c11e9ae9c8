//! The chart: a pair of bars for each workload.

use std::fmt::Write;
use std::time::Duration;

use crate::metrics::{Comparison, Metric};
use crate::server::CAN_ATTRIBUTE;
use crate::workload::Workload;

const TITLE: &str = if CAN_ATTRIBUTE {
    "What a message costs the server"
} else {
    "How many messages go through the server"
};
const WIDTH: usize = 760;
const MARGIN: usize = 24;
/// The top of the first workload, below the title and the legend.
const HEAD: usize = 108;
/// The height of a workload.
const ROW: usize = 62;
const FOOT: usize = 34;
/// The left end of all bars, and the right end of the longest bar.
const BARS: (usize, usize) = (310, 570);
const BAR: usize = 16;

const STYLE: &str = "
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #1f2328 }
  .title { font-size: 19px; font-weight: 600 }
  .name, .ratio { font-size: 15px; font-weight: 600 }
  .muted { fill: #59636e }
  .paper { fill: #ffffff }
  .parlor { fill: #0969da }
  .handwritten { fill: #afb8c1 }
  .line { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .muted { fill: #9198a1 }
    .paper { fill: #0d1117 }
    .parlor { fill: #4493f8 }
    .handwritten { fill: #59636e }
    .line { stroke: #3d444d }
  }
";

pub fn draw(workloads: &[(Workload, Vec<Comparison>)], rounds: usize, time: Duration) -> String {
    let shown: Vec<_> = workloads
        .iter()
        .filter_map(|(workload, comparisons)| Some((workload, comparisons.first()?)))
        .collect();
    let height = HEAD + ROW * shown.len() + FOOT;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">
<title>{TITLE}</title>
<style>{STYLE}</style>
<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>
"#
    );
    let right = WIDTH - MARGIN;
    text(&mut svg, "title", "start", (MARGIN, 40), TITLE);
    let about = "A chat with Parlor, and the same chat by hand with tokio-tungstenite";
    text(&mut svg, "muted", "start", (MARGIN, 62), about);
    for (class, x, name) in [("parlor", MARGIN, "Parlor"), ("handwritten", MARGIN + 90, "by hand")]
    {
        rect(&mut svg, class, (x, 77), (12, 12));
        text(&mut svg, "", "start", (x + 18, 88), name);
    }
    text(&mut svg, "muted", "end", (right, 88), "Parlor ÷ by hand");

    for (index, (workload, comparison)) in shown.into_iter().enumerate() {
        row(&mut svg, HEAD + ROW * index, workload, comparison);
    }
    let better = if CAN_ATTRIBUTE { "Shorter" } else { "Longer" };
    let secs = time.as_secs_f64();
    let about = format!(
        "{better} is better. Loopback; medians of {rounds} × {secs} s, of the ratios and of the values."
    );
    text(&mut svg, "muted", "start", (MARGIN, height - 14), &about);
    svg.push_str("</svg>\n");
    svg
}

fn row(svg: &mut String, top: usize, workload: &Workload, comparison: &Comparison) {
    let Comparison { metric, parlor, handwritten, ratio } = *comparison;
    line(svg, top);
    text(svg, "name", "start", (MARGIN, top + 26), workload.name);
    text(svg, "muted", "start", (MARGIN, top + 46), &workload.about);
    let longest = parlor.max(handwritten);
    for (class, value, y) in [("parlor", parlor, top + 13), ("handwritten", handwritten, top + 33)]
    {
        let length = length(value / longest);
        rect(svg, class, (BARS.0, y), (length, BAR));
        let label = format!("{value:.*} {}", metric.decimals(), unit(metric));
        text(svg, "", "start", (BARS.0 + length + 8, y + 13), &label);
    }
    text(svg, "ratio", "end", (WIDTH - MARGIN, top + 36), &format!("{ratio:.2}"));
}

/// The length of a bar for a share of the longest value.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "some hundreds of pixels"
)]
fn length(share: f64) -> usize {
    (share * (BARS.1 - BARS.0) as f64).round() as usize
}

fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "µs of CPU",
        Metric::Memory => "KiB",
        Metric::Rate | Metric::P50 | Metric::P99 => metric.unit(),
    }
}

fn rect(svg: &mut String, class: &str, (x, y): (usize, usize), (width, height): (usize, usize)) {
    let position = format!(r#"x="{x}" y="{y}" width="{width}" height="{height}""#);
    push(svg, format_args!(r#"<rect class="{class}" {position} rx="2"/>"#));
}

fn line(svg: &mut String, y: usize) {
    let right = WIDTH - MARGIN;
    push(svg, format_args!(r#"<line class="line" x1="{MARGIN}" y1="{y}" x2="{right}" y2="{y}"/>"#));
}

fn text(svg: &mut String, class: &str, anchor: &str, (x, y): (usize, usize), text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let position = format!(r#"x="{x}" y="{y}" text-anchor="{anchor}""#);
    push(svg, format_args!(r#"<text class="{class}" {position}>{text}</text>"#));
}

fn push(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(svg, "{element}");
}
