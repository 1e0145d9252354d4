// One field of an object's text: NAME=VALUE, a bare name for what is so, nothing for what is empty.

export const word = (value: string): string => (/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value));

export const field = (name: string, value: unknown): string[] => {
  if (value === undefined || value === '' || value === 0 || value === false) return [];
  if (value === true) return [name];
  if (Array.isArray(value)) return value.length === 0 ? [] : [`${name}=${value.map(String).map(word).join(',')}`];
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return entries.length === 0
      ? []
      : [`${name}=${entries.map(([key, one]) => `${word(key)}:${word(String(one))}`).join(',')}`];
  }
  return [`${name}=${word(String(value))}`];
};
