/** Dark unless the viewer chose light here before. */
const KEY = "trustfold.theme";

export type Theme = "dark" | "light";

export function theme(): Theme {
  return document.documentElement.dataset["theme"] === "light" ? "light" : "dark";
}

export function setTheme(next: Theme): void {
  document.documentElement.dataset["theme"] = next;
  try {
    window.localStorage.setItem(KEY, next);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

export function restoreTheme(): void {
  try {
    if (window.localStorage.getItem(KEY) === "light") document.documentElement.dataset["theme"] = "light";
  } catch {
    // As above.
  }
}
