// How long certificates are good for, and when they are renewed. Pure; all in ms, moments in ms since 1970.

export const dayMs = 86_400_000;
/** The CA's life. */
export const authorityLifeMs = 3_650 * dayMs;
/** The life of all other certificates unless told otherwise. */
export const leafLifeMs = 30 * dayMs;
/** A certificate is good from this long before it was made: clocks of machines differ, and one may be set an hour back. */
export const backdateMs = 2 * 3_600_000;

/** When a certificate is to be renewed: at two thirds of its life from the moment it was made. */
export function renewalMoment({ notBefore, notAfter }: { notBefore: number; notAfter: number }): number {
  const made = Math.min(notBefore + backdateMs, notAfter);
  return made + ((notAfter - made) * 2) / 3;
}
