import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { signIn } from "./state/role";
import { restoreTheme } from "./state/theme";
import { connect } from "./stream";
import "./styles/index.css";

restoreTheme();
void signIn();
connect();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
