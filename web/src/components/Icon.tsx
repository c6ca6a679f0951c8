/** Line icons on a 16 px grid; they take the colour of the text around them. */
const PATHS = {
  training: ["M2 5l6-3 6 3-6 3z", "M2 8.2l6 3 6-3", "M2 11.3l6 3 6-3"],
  live: ["M1.5 8h3l2-5 3 10 2-5h3"],
  admin: ["M8 1.8l5 1.9v4.1c0 3-2.1 5.2-5 6.4-2.9-1.2-5-3.4-5-6.4V3.7z", "M5.8 8l1.6 1.6 2.9-3"],
  play: ["M5 3.5l7.5 4.5L5 12.5z"],
  stop: ["M4.5 4.5h7v7h-7z"],
  pause: ["M5.5 3.5v9", "M10.500 3.5v9"],
  close: ["M4 4l8 8", "M12 4l-8 8"],
  check: ["M3 8.5l3.2 3.2L13 5"],
  undo: ["M6 3L3 6l3 3", "M3 6h6.5a3.5 3.5 0 010 7H6"],
  search: ["M11.5 7a4.5 4.5 0 11-9 0 4.5 4.5 0 019 0z", "M10.4 10.4L14 14"],
  table: ["M2.5 3h11v10h-11z", "M2.5 6.5h11", "M2.5 10h11", "M6.5 6.5V13"],
  warning: ["M8 2.2l6 11H2z", "M8 6.4v3", "M8 11.4v.1"],
  up: ["M4 10l4-4 4 4"],
  down: ["M4 6l4 4 4-4"],
  plug: ["M2 14l3-3", "M14 2l-3 3", "M5.5 6.500l4 4-1.3 1.3a2.8 2.8 0 01-4-4z", "M10.5 9.500l-4-4 1.3-1.3a2.8 2.8 0 014 4z"],
  contrast: ["M14 8A6 6 0 112 8a6 6 0 0112 0z", "M8 2v12", "M8 5l4.8 0", "M8 8h6", "M8 11h4.8"],
  bell: ["M4 11V7a4 4 0 018 0v4l1 1.2H3z", "M6.8 14.2h2.4"],
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {PATHS[name].map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}

export function Logo({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path d="M2 3.5l8 3.6 8-3.6v5.4l-8 3.6-8-3.6z" fill="var(--accent)" />
      <path d="M2 11.3l8 3.6 8-3.6v2.4l-8 3.6-8-3.6z" fill="var(--ok)" />
    </svg>
  );
}
