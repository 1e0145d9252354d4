/** An address as it stands before a port: "10.0.0.2", "[fd00::2]". */
export const hostText = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);
