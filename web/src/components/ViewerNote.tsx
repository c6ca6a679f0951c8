/** Where a control would stand, for somebody who may not use it. */
export function ViewerNote() {
  return (
    <span className="text-t3 text-xs" data-testid="viewer-note">
      Open the link from the terminal to act.
    </span>
  );
}
