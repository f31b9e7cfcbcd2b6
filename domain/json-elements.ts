/**
 * Cuts a list in JSON into the texts of its elements, piece by piece, so that a list of any length is never whole in
 * memory. Only brackets, commas and strings are looked at: whether an element is JSON is for JSON.parse to say.
 */

export interface JsonElement {
  readonly text: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
}

/** The text is not a list; the message says at which line, and what is needed. */
export class JsonListError extends Error {}

type State = 'before' | 'first' | 'next' | 'element' | 'after';

const BLANK = /[ \t\r\n\ufeff]/;

export class JsonElements {
  private state: State = 'before';
  private line = 1;
  private begun = 1;
  private text = '';
  /** Brackets open within the element. */
  private depth = 0;
  private inString = false;
  private escaped = false;

  /** `longest` in characters. */
  constructor(private readonly longest: number) {}

  /** The elements that end in this piece. */
  *take(piece: string): Generator<JsonElement> {
    let start = 0;
    for (let index = 0; index < piece.length; index++) {
      const character = piece.charAt(index);
      if (character === '\n') this.line++;
      if (this.state === 'element') {
        if (!this.ends(character)) continue;
        this.text += piece.slice(start, index);
        yield this.finish(character);
      } else if (this.begins(character)) start = index;
    }
    if (this.state === 'element') this.text += piece.slice(start);
    this.requireShort();
  }

  /** To be called after the last piece. */
  end(): void {
    if (this.state === 'before') throw new JsonListError(`the file is empty: a list is needed, [ {…}, {…} ]`);
    if (this.state !== 'after') {
      throw new JsonListError(`the list ends too soon, on line ${this.line}: its closing "]" is missing`);
    }
  }

  /** True when an element begins with this character. */
  private begins(character: string): boolean {
    if (BLANK.test(character)) return false;
    if (this.state === 'before') {
      if (character !== '[') throw this.unexpected(character, 'a list is needed, [ {…}, {…} ]');
      this.state = 'first';
      return false;
    }
    if (this.state === 'after') throw this.unexpected(character, 'nothing may follow the list');
    if (character === ']' && this.state === 'first') {
      this.state = 'after';
      return false;
    }
    if (character === ']' || character === ',') throw this.unexpected(character, 'an item is needed before it');
    this.state = 'element';
    this.begun = this.line;
    this.text = '';
    this.ends(character);
    return true;
  }

  /** True when the element ended before this character. */
  private ends(character: string): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (character === '\\') this.escaped = true;
      else if (character === '"') this.inString = false;
      return false;
    }
    if (this.depth === 0 && (character === ',' || character === ']')) return true;
    if (character === '"') this.inString = true;
    else if (character === '{' || character === '[') this.depth++;
    else if ((character === '}' || character === ']') && this.depth > 0) this.depth--;
    return false;
  }

  private finish(character: string): JsonElement {
    this.requireShort();
    this.state = character === ',' ? 'next' : 'after';
    return { text: this.text, line: this.begun };
  }

  private requireShort(): void {
    if (this.state !== 'element' || this.text.length <= this.longest) return;
    throw new JsonListError(`the item that begins on line ${this.begun} has more than ${this.longest} characters`);
  }

  private unexpected(character: string, needed: string): JsonListError {
    return new JsonListError(`"${character}" stands on line ${this.line}: ${needed}`);
  }
}
