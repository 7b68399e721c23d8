// Every frame that the leading chart shows is shown by its follower, at once.

const EVENT = "plotly_animatingframe";
const AT_ONCE = { mode: "immediate", frame: { duration: 0, redraw: true }, transition: { duration: 0 } };
const LOOK = 300; // milliseconds: charts come later than this, and are drawn anew with other numbers

export default function ({ parentElement, data }) {
  const chart = (name) => document.querySelector(`.${CSS.escape(name)} .js-plotly-plot`);

  function follow({ name }) {
    const follower = chart(data.follower);
    if (follower) window.Plotly.animate(follower, [name], AT_ONCE);
  }

  function link() {
    const leader = chart(data.leader);
    leader?.removeListener?.(EVENT, follow);
    leader?.on?.(EVENT, follow);
  }

  const looking = setInterval(link, LOOK);
  return () => clearInterval(looking);
}
