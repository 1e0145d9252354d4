// The order of names in docker's lists: runs of digits by their number ("web9" before "web10"), all else by code. Pure.

export function naturalOrder(a: string, b: string): number {
  const [x, y] = [a.match(/\d+|\D/g) ?? [], b.match(/\d+|\D/g) ?? []];
  for (let at = 0; at < x.length && at < y.length; at += 1) {
    const [p, q] = [x[at] ?? '', y[at] ?? ''];
    if (p === q) continue;
    const numbers = /^\d/.test(p) && /^\d/.test(q);
    const difference = numbers ? Number(BigInt(p) - BigInt(q)) : 0;
    if (difference !== 0) return difference;
    if (numbers) return p.length - q.length;
    return p < q ? -1 : 1;
  }
  return x.length - y.length;
}
