import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

const NEAR = 8;

interface Follow<T> {
  box: RefObject<HTMLDivElement | null>;
  /** What to draw: the newest value, or the one that was there when the viewer scrolled up. */
  shown: T;
  paused: boolean;
  pausedAt: number | null;
  onScroll: () => void;
  pause: () => void;
  follow: () => void;
}

/** Keeps a list at its newest row, at the bottom, and freezes it as soon as the viewer scrolls up. */
export function useFollow<T>(value: T): Follow<T> {
  const box = useRef<HTMLDivElement>(null);
  const newest = useRef(value);
  newest.current = value;
  const lastTop = useRef(0);
  const [frozen, setFrozen] = useState<{ value: T; at: number } | null>(null);
  const shown = frozen ? frozen.value : value;
  const following = frozen === null;

  const toBottom = () => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = element.scrollHeight;
    lastTop.current = element.scrollTop;
  };
  useLayoutEffect(() => {
    if (following) toBottom();
  }, [shown, following]);

  // A panel above that grows or shrinks moves the bottom away without any scrolling by the viewer.
  useEffect(() => {
    const element = box.current;
    if (!element || !following) return;
    const sizes = new ResizeObserver(toBottom);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [following]);

  const pause = useCallback(() => setFrozen((old) => old ?? { value: newest.current, at: Date.now() }), []);
  const follow = useCallback(() => setFrozen(null), []);
  const onScroll = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const up = element.scrollTop < lastTop.current - 1;
    const down = element.scrollTop > lastTop.current + 1;
    lastTop.current = element.scrollTop;
    const atBottom = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR;
    if (up && !atBottom) pause();
    else if (down && atBottom) follow();
  }, [follow, pause]);

  return { box, shown, paused: !following, pausedAt: frozen?.at ?? null, onScroll, pause, follow };
}
