// Go's text/template, the part that people use with docker's --format: fields, variables, pipes, calls, if, range,
// with, comments, trimming. Text to tree; refuses the rest by name (define, template, block, break). Pure.
export type Term =
  | { readonly is: 'dot' | 'nil' }
  | { readonly is: 'literal'; readonly value: string | number | boolean }
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'field'; readonly of: Term; readonly path: readonly string[] }
  | { readonly is: 'variable'; readonly name: string }
  | { readonly is: 'pipe'; readonly pipe: Pipe };
export interface Pipe {
  readonly declares: readonly string[];
  readonly commands: readonly (readonly Term[])[];
}
export type Node =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'action'; readonly pipe: Pipe }
  | {
      readonly is: 'if' | 'range' | 'with';
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** A template that does not parse, or that asks for what is not there; the message is without a lead. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const tokenPattern =
  /\s*(?:("(?:[^"\\]|\\.)*")|(`[^`]*`)|(\$?[A-Za-z_][\w]*|\$)|((?:\.[A-Za-z_]\w*)+)|([+-]?(?:\d+\.?\d*|\.\d+))|(:=|[|().,=]))/y;

type Token = {
  readonly kind: 'string' | 'word' | 'fields' | 'number' | 'sign';
  readonly text: string;
  readonly spaced: boolean;
};

function tokensOf(action: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (action.slice(tokenPattern.lastIndex).trim() !== '') {
    const from = tokenPattern.lastIndex;
    const match = tokenPattern.exec(action);
    if (match === null)
      throw new TemplateError(`unexpected ${JSON.stringify(action.slice(from).trim()[0])} in command`);
    const spaced = /^\s/.test(match[0]);
    const [, quoted, raw, word, fields, number, sign] = match;
    if (quoted !== undefined) tokens.push({ kind: 'string', text: unquote(quoted), spaced });
    else if (raw !== undefined) tokens.push({ kind: 'string', text: raw.slice(1, -1), spaced });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, spaced });
    else if (fields !== undefined) tokens.push({ kind: 'fields', text: fields, spaced });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, spaced });
    else tokens.push({ kind: 'sign', text: sign ?? '', spaced });
  }
  return tokens;
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new TemplateError(`invalid string ${text}`);
  }
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  #take(sign: string): boolean {
    const token = this.#peek();
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#at += 1;
    return true;
  }

  /** The whole of what is left as one pipe. */
  whole(): Pipe {
    const pipe = this.pipe();
    const left = this.#peek();
    if (left !== undefined) throw new TemplateError(`unexpected ${JSON.stringify(left.text)} in command`);
    return pipe;
  }

  pipe(): Pipe {
    const declares = this.#declared();
    const commands: Term[][] = [];
    do commands.push(this.#command());
    while (this.#take('|'));
    return { declares, commands };
  }

  #declared(): string[] {
    const isVariable = (ahead: number): boolean =>
      this.#peek(ahead)?.text.startsWith('$') === true && this.#peek(ahead)?.kind === 'word';
    const isSign = (ahead: number, ...signs: string[]): boolean =>
      this.#peek(ahead)?.kind === 'sign' && signs.includes(this.#peek(ahead)?.text ?? '');
    const count =
      isVariable(0) && isSign(1, ':=', '=')
        ? 1
        : isVariable(0) && isSign(1, ',') && isVariable(2) && isSign(3, ':=')
          ? 2
          : 0;
    const names = [0, 2].slice(0, count).map((ahead) => this.#peek(ahead)?.text ?? '');
    this.#at += count * 2;
    return names;
  }

  #command(): Term[] {
    const terms: Term[] = [];
    for (let term = this.#term(); term !== undefined; term = this.#term()) terms.push(term);
    if (terms.length === 0) throw new TemplateError('missing value for command');
    return terms;
  }

  #term(): Term | undefined {
    const token = this.#peek();
    if (token === undefined) return undefined;
    if (this.#take('(')) {
      const pipe = this.pipe();
      if (!this.#take(')')) throw new TemplateError('unclosed left paren');
      return this.#withFields({ is: 'pipe', pipe });
    }
    if (this.#take('.')) return { is: 'dot' };
    if (token.kind === 'sign') return undefined;
    this.#at += 1;
    if (token.kind === 'string') return { is: 'literal', value: token.text };
    if (token.kind === 'number') return { is: 'literal', value: Number(token.text) };
    if (token.kind === 'fields') return { is: 'field', of: { is: 'dot' }, path: token.text.slice(1).split('.') };
    if (token.text === 'true' || token.text === 'false') return { is: 'literal', value: token.text === 'true' };
    if (token.text === 'nil') return { is: 'nil' };
    if (token.text.startsWith('$')) return this.#withFields({ is: 'variable', name: token.text });
    return { is: 'name', name: token.text };
  }

  #withFields(of: Term): Term {
    const next = this.#peek();
    if (next?.kind !== 'fields' || next.spaced) return of;
    this.#at += 1;
    return { is: 'field', of, path: next.text.slice(1).split('.') };
  }
}

type Piece = { readonly text: string } | { readonly action: string };

function piecesOf(template: string): Piece[] {
  const pieces: Piece[] = [];
  const pattern = /\{\{(-\s)?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|\/\*[\s\S]*?\*\/|(?!\}\})[\s\S])*?)(\s-)?\}\}/y;
  let trim = false;
  for (let at = 0; at <= template.length; ) {
    const open = template.indexOf('{{', at);
    const raw = template.slice(at, open < 0 ? undefined : open);
    const text = trim ? raw.trimStart() : raw;
    if (open < 0) return [...pieces, { text }];
    pattern.lastIndex = open;
    const match = pattern.exec(template);
    if (match === null) throw new TemplateError('unclosed action');
    pieces.push({ text: match[1] === undefined ? text : text.trimEnd() }, { action: (match[2] ?? '').trim() });
    trim = match[3] !== undefined;
    at = pattern.lastIndex;
  }
  return pieces;
}

const refused = ['define', 'template', 'block', 'break', 'continue'];

/** @throws TemplateError */
export function parseTemplate(template: string): readonly Node[] {
  const pieces = piecesOf(template);
  let at = 0;

  const nodes = (closers: readonly string[]): { body: Node[]; closer: string } => {
    const body: Node[] = [];
    for (; at < pieces.length; ) {
      const piece = pieces[at] as Piece;
      at += 1;
      if ('text' in piece) {
        if (piece.text !== '') body.push({ is: 'text', text: piece.text });
        continue;
      }
      if (piece.action.startsWith('/*')) continue;
      const [, word = '', rest = ''] = /^(\w*)\s*([\s\S]*)$/.exec(piece.action) ?? [];
      if (word === 'end' || word === 'else') {
        if (!closers.includes(word)) throw new TemplateError(`unexpected {{${word}}}`);
        return { body, closer: piece.action };
      }
      if (refused.includes(word)) throw new TemplateError(`{{${word}}} is not supported`);
      if (word === 'if' || word === 'range' || word === 'with') body.push(branch(word, rest));
      else body.push({ is: 'action', pipe: new Reader(tokensOf(piece.action)).whole() });
    }
    if (closers.length > 0) throw new TemplateError('unexpected EOF');
    return { body, closer: '' };
  };

  const branch = (is: 'if' | 'range' | 'with', rest: string): Node => {
    const pipe = new Reader(tokensOf(rest)).whole();
    const { body, closer } = nodes(['end', 'else']);
    const chained = /^else\s+(if|with)\s+([\s\S]+)$/.exec(closer);
    if (chained !== null) {
      return { is, pipe, body, otherwise: [branch(chained[1] as 'if' | 'with', chained[2] ?? '')] };
    }
    return { is, pipe, body, otherwise: closer === 'else' ? nodes(['end']).body : [] };
  };

  return nodes([]).body;
}
