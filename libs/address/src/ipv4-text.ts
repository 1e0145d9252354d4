// Dotted decimal, exactly four parts, no leading zeros (inet_aton's octal and short forms are refused).

const PART = /^(0|[1-9]\d{0,2})$/;

export function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    const byte = Number(part);
    if (!PART.test(part) || byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return BigInt(value);
}

export function formatIpv4(value: bigint): string {
  const bits = Number(value);
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
}
