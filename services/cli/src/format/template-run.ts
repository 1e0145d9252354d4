// Runs a parsed template over a value. Errors are those of Go where a user would see them. Pure.
import { functions as allFunctions } from './template-functions.ts';
import { type Node, type Pipe, parseTemplate, TemplateError, type Term } from './template-parse.ts';
import { entriesOf, isList, isMap, isStruct, isTrue, print, type Value } from './value.ts';

/** Variables, innermost scope first: a name is looked up outwards, as `$x := ...` in a branch ends with it. */
interface Scope {
  readonly names: Map<string, Value>;
  readonly outer: Scope | undefined;
}

function lookUp(scope: Scope | undefined, name: string): Value {
  for (let at = scope; at !== undefined; at = at.outer) if (at.names.has(name)) return at.names.get(name);
  throw new TemplateError(`undefined variable "${name}"`);
}

function field(of: Value, name: string, args: readonly Value[]): Value {
  if (isMap(of)) return of.get(name);
  if (!isStruct(of))
    throw new TemplateError(`can't evaluate field ${name} in ${of === undefined ? 'nil data' : `value ${print(of)}`}`);
  if (!Object.hasOwn(of, name))
    throw new TemplateError(`there is no field ${name}; there are ${Object.keys(of).join(', ')}`);
  const found = of[name];
  return typeof found === 'function' ? found(...args) : found;
}

export type Functions = typeof allFunctions;

class Runner {
  readonly #functions: Functions;
  #output = '';

  constructor(functions: Functions) {
    this.#functions = functions;
  }

  get output(): string {
    return this.#output;
  }

  nodes(nodes: readonly Node[], dot: Value, outer: Scope | undefined): void {
    const scope: Scope = { names: new Map(outer === undefined ? [['$', dot]] : []), outer };
    for (const node of nodes) this.#node(node, dot, scope);
  }

  #node(node: Node, dot: Value, scope: Scope): void {
    if (node.is === 'text') {
      this.#output += node.text;
      return;
    }
    if (node.is === 'action') {
      const value = this.#pipe(node.pipe, dot, scope);
      if (node.pipe.declares.length === 0) this.#output += print(value);
      return;
    }
    const inner: Scope = { names: new Map(), outer: scope };
    if (node.is === 'range') {
      const items = itemsOf(this.#commands(node.pipe, dot, scope));
      for (const [key, item] of items) {
        const [first, second] = node.pipe.declares;
        if (second !== undefined) inner.names.set(first ?? '', key).set(second, item);
        else if (first !== undefined) inner.names.set(first, item);
        this.nodes(node.body, item, inner);
      }
      if (items.length === 0) this.nodes(node.otherwise, dot, inner);
      return;
    }
    const value = this.#pipe(node.pipe, dot, inner);
    if (isTrue(value)) this.nodes(node.body, node.is === 'with' ? value : dot, inner);
    else this.nodes(node.otherwise, dot, inner);
  }

  #pipe(pipe: Pipe, dot: Value, scope: Scope): Value {
    const value = this.#commands(pipe, dot, scope);
    for (const name of pipe.declares) scope.names.set(name, value);
    return value;
  }

  #commands(pipe: Pipe, dot: Value, scope: Scope): Value {
    let value: Value;
    pipe.commands.forEach((terms, at) => {
      value = this.#command(terms, at === 0 ? [] : [value], dot, scope);
    });
    return value;
  }

  #command([head, ...rest]: readonly Term[], piped: readonly Value[], dot: Value, scope: Scope): Value {
    if (head === undefined) throw new TemplateError('missing value for command');
    if (head.is === 'name' && (head.name === 'and' || head.name === 'or'))
      return this.#shortCircuit(head.name, rest, piped, dot, scope);
    const args = (): Value[] => [...rest.map((term) => this.#term(term, [], dot, scope)), ...piped];
    if (head.is === 'name') {
      const run = Object.hasOwn(this.#functions, head.name) ? this.#functions[head.name] : undefined;
      if (run === undefined) throw new TemplateError(`function "${head.name}" not defined`);
      return run(...args());
    }
    if (head.is === 'field') return this.#term(head, args(), dot, scope);
    if (rest.length + piped.length > 0) throw new TemplateError("can't give argument to non-function");
    return this.#term(head, [], dot, scope);
  }

  #shortCircuit(name: 'and' | 'or', terms: readonly Term[], piped: readonly Value[], dot: Value, scope: Scope): Value {
    let value: Value;
    for (const term of terms) {
      value = this.#term(term, [], dot, scope);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #term(term: Term, args: readonly Value[], dot: Value, scope: Scope): Value {
    switch (term.is) {
      case 'dot':
        return dot;
      case 'nil':
        return undefined;
      case 'literal':
        return term.value;
      case 'variable':
        return lookUp(scope, term.name);
      case 'pipe':
        return this.#pipe(term.pipe, dot, scope);
      case 'name':
        return this.#command([term], [], dot, scope);
      case 'field': {
        const last = term.path.length - 1;
        const of = this.#term(term.of, [], dot, scope);
        return term.path.reduce((value: Value, name, at) => field(value, name, at === last ? args : []), of);
      }
    }
  }
}

function itemsOf(value: Value): (readonly [Value, Value])[] {
  if (isMap(value)) return entriesOf(value);
  if (isList(value)) return value.map((item, at) => [at, item]);
  if (typeof value === 'number') return Array.from({ length: value }, (_, at) => [at, at]);
  if (value === undefined || value === null) return [];
  throw new TemplateError(`range can't iterate over ${print(value)}`);
}

/** A template ready to run. @throws TemplateError */
export function compile(template: string): (data: Value, functions?: Functions) => string {
  const nodes = parseTemplate(template);
  return (data, functions = allFunctions) => {
    const runner = new Runner(functions);
    runner.nodes(nodes, data, undefined);
    return runner.output;
  };
}
