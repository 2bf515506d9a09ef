"""A button that copies a link in one click, and tells the page when it did."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

LABEL = "Copy link"
"""Stands in the HTML, so that the button has a name from the first moment."""
HTML = f'<button type="button"><span class="icon" aria-hidden="true">link</span><span class="label">{LABEL}</span></button>'
CSS = """
button {display: inline-flex; align-items: center; gap: .4rem; min-height: 2.5rem; padding: .25rem .75rem; cursor: pointer;
  font: inherit; font-size: .875rem; line-height: 1.6; white-space: nowrap; color: var(--st-text-color);
  background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, .4rem);}
button:hover, button:focus-visible {color: var(--st-primary-color); border-color: var(--st-primary-color);}
button:focus-visible {outline: none; box-shadow: 0 0 0 .2rem color-mix(in srgb, var(--st-primary-color) 50%, transparent);}
.icon {font-family: "Material Symbols Rounded"; font-size: 1.15rem; line-height: 1; font-weight: 400;}
"""
# Browsers give the clipboard to safe pages only (https, localhost). Elsewhere a selected text is copied the old way.
JS = """
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.appendChild(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
export default function ({parentElement, data, setTriggerValue}) {
  const button = parentElement.querySelector("button");
  const label = parentElement.querySelector(".label");
  const icon = parentElement.querySelector(".icon");
  const told = button.dataset.told === data.text;
  if (!told) { label.textContent = data.label; icon.textContent = "link"; }
  button.title = data.text;
  button.onclick = async () => {
    const done = await copied(data.text);
    button.dataset.told = data.text;
    label.textContent = done ? data.done : data.text;
    icon.textContent = done ? "check" : "link";
    setTriggerValue("taken", true);
    setTimeout(() => { delete button.dataset.told; label.textContent = data.label; icon.textContent = "link"; }, 2500);
  };
}
"""
_button = st.components.v2.component("vitrine_copy", html=HTML, css=CSS, js=JS)


def button(text: str, key: str, taken: Callable[[], None]) -> None:
    """A button that copies the text; `taken` is called when somebody has pressed it."""
    _button(
        key=key,
        data={"text": text, "label": LABEL, "done": "Copied"},
        on_taken_change=taken,
        width="content",
        height="content",
    )
