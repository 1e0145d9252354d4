// Labels, options, selectors: what a change makes of them. Pure.

/** What is removed goes first, so that a key that is also set stays. */
export function edited(
  before: Readonly<Record<string, string>>,
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
): Record<string, string> {
  const kept = Object.entries(before).filter(([key]) => !remove.includes(key));
  return { ...Object.fromEntries(kept), ...set };
}
