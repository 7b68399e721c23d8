// The address is read when the button is pressed: it changes without this component being told.
export default function ({ parentElement }) {
  const button = parentElement.querySelector("button");
  const field = parentElement.querySelector("input");
  const status = parentElement.querySelector('[role="status"]');
  let timer;

  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      button.textContent = status.textContent = "Copied";
      clearTimeout(timer);
      timer = setTimeout(() => { button.textContent = "Copy link"; status.textContent = ""; }, 2000);
    } catch {
      field.value = window.location.href;
      field.hidden = false;
      field.focus();
      field.select();
    }
  };
  return () => clearTimeout(timer);
}
