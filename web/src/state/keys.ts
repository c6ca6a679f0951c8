/** Single-letter keys. They act only outside fields, and only the newest layer that knows a key gets it. */
import { useEffect, useRef } from "react";
import { go } from "../router";

type Handler = (event: KeyboardEvent) => void;
export type KeyMap = Record<string, Handler>;

interface Layer {
  keys: { current: KeyMap };
  modal: boolean;
}

const layers: Layer[] = [];
let leader = 0;

const PLACES: Record<string, string> = { t: "/training", l: "/live", a: "/admin" };

function inField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key !== "Escape" && inField(event.target)) return;
  // Enter and Space belong to a focused button or link.
  if ((event.key === "Enter" || event.key === " ") && event.target instanceof HTMLElement && event.target.closest("button, a, [role=button], summary")) {
    return;
  }
  if (leader !== 0 && event.timeStamp - leader < 1500) {
    leader = 0;
    const place = PLACES[event.key];
    if (place !== undefined) {
      event.preventDefault();
      go(place);
      return;
    }
  }
  leader = 0;
  if (event.key === "g" && !layers.some((layer) => layer.modal)) {
    leader = event.timeStamp;
    return;
  }
  for (let i = layers.length - 1; i >= 0; i -= 1) {
    const layer = layers[i];
    const handler = layer?.keys.current[event.key];
    if (handler) {
      event.preventDefault();
      handler(event);
      return;
    }
    if (layer?.modal) return;
  }
}

window.addEventListener("keydown", onKey);

/** Adds a layer of keys while the component is mounted; a modal one lets no key through to those below. */
export function useKeys(keys: KeyMap, modal = false): void {
  const layer = useRef(keys);
  useEffect(() => {
    layer.current = keys;
  });
  useEffect(() => {
    const mine: Layer = { keys: layer, modal };
    layers.push(mine);
    return () => {
      layers.splice(layers.indexOf(mine), 1);
    };
  }, [modal]);
}
