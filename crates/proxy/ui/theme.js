// Light, dark, or as the system is.

const THEMES = ["system", "light", "dark"];
let current = 0;

export function themeButton(button) {
  button.addEventListener("click", () => {
    current = (current + 1) % THEMES.length;
    const name = THEMES[current];
    button.textContent = `Theme: ${name}`;
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  });
}
