/**
 * Format 2: anything structured clone takes, by the platform's own serializer. The
 * memory of ArrayBuffers and views is sent beside it, without copying what is large.
 *
 *   format 1 B | buffer count 4 B | length of the clone 6 B | length of each buffer 6 B | clone | buffers
 *
 * Numbers are little-endian. In the clone an ArrayBuffer is its index among the
 * buffers, a view its kind, index, offset and length.
 */

import { Deserializer, Serializer } from "node:v8";
import { type Encoded, RICH_FORMAT } from "./encoded.js";
import type { Span } from "./survey.js";

const COUNT_OFFSET = 1;
const CLONE_LENGTH_OFFSET = 5;
const LENGTHS_OFFSET = 11;
const LENGTH_BYTES = 6;
/** Smaller pieces are copied together; larger ones are parts of their own. */
const COPY_LIMIT_BYTES = 4096;

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView;

/** By their number on the wire. */
const VIEWS: readonly {
  readonly name: string;
  readonly type: ViewConstructor;
  readonly elementBytes: number;
}[] = [
  { name: "Uint8Array", type: Uint8Array, elementBytes: 1 },
  { name: "Int8Array", type: Int8Array, elementBytes: 1 },
  { name: "Uint8ClampedArray", type: Uint8ClampedArray, elementBytes: 1 },
  { name: "Int16Array", type: Int16Array, elementBytes: 2 },
  { name: "Uint16Array", type: Uint16Array, elementBytes: 2 },
  { name: "Int32Array", type: Int32Array, elementBytes: 4 },
  { name: "Uint32Array", type: Uint32Array, elementBytes: 4 },
  { name: "Float32Array", type: Float32Array, elementBytes: 4 },
  { name: "Float64Array", type: Float64Array, elementBytes: 8 },
  { name: "BigInt64Array", type: BigInt64Array, elementBytes: 8 },
  { name: "BigUint64Array", type: BigUint64Array, elementBytes: 8 },
  { name: "DataView", type: DataView, elementBytes: 1 },
];
const VIEW_NUMBERS: ReadonlyMap<string, number> = new Map(VIEWS.map(({ name }, number) => [name, number]));
/** The name of a typed array's kind, whatever its class: this accessor reads what it is inside. */
const kindOfTypedArray = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get!;

/** The memory of one buffer that is sent: from `start` on. */
interface Attachment {
  readonly index: number;
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * The documented hooks of the serializer, which their declarations leave out.
 * They are called while a value is written, and never by us.
 */
interface SerializerHooks {
  _setTreatArrayBufferViewsAsHostObjects(value: boolean): void;
}

class CloneWriter extends Serializer {
  readonly attachments = new Map<ArrayBuffer, Attachment>();

  constructor(buffers: ReadonlyMap<ArrayBuffer, Span>) {
    super();
    (this as unknown as SerializerHooks)._setTreatArrayBufferViewsAsHostObjects(true);
    for (const [buffer, span] of buffers) {
      const { index } = this.#attach(buffer, span);
      this.transferArrayBuffer(index, buffer);
    }
  }

  /** Called by the platform for each view, and for objects of its own. */
  _writeHostObject(object: object): void {
    if (!ArrayBuffer.isView(object))
      throw new TypeError("it holds an object of the platform that cannot be copied");
    const name: string = object instanceof DataView ? "DataView" : kindOfTypedArray.call(object);
    const number = VIEW_NUMBERS.get(name);
    if (number === undefined)
      throw new TypeError(`it holds a ${name}, which not all versions of Node.js know`);
    const buffer = object.buffer as ArrayBuffer;
    // Not surveyed: computed by a property only now.
    const whole = { start: 0, end: buffer.byteLength };
    const { index, start } = this.attachments.get(buffer) ?? this.#attach(buffer, whole);
    this.writeUint32(number);
    this.writeUint32(index);
    this.writeDouble(object.byteOffset - start);
    this.writeDouble(object.byteLength);
  }

  #attach(buffer: ArrayBuffer, { start, end }: Span): Attachment {
    const bytes = new Uint8Array(buffer, start, end - start);
    const attachment = { index: this.attachments.size, start, bytes };
    this.attachments.set(buffer, attachment);
    return attachment;
  }
}

class CloneReader extends Deserializer {
  readonly #buffers: readonly ArrayBuffer[];

  constructor(clone: Uint8Array, buffers: readonly ArrayBuffer[]) {
    super(clone);
    this.#buffers = buffers;
    buffers.forEach((buffer, index) => {
      this.transferArrayBuffer(index, buffer);
    });
  }

  /** Called by the platform for what `_writeHostObject` wrote. */
  _readHostObject(): object {
    const view = VIEWS[this.readUint32()];
    const buffer = this.#buffers[this.readUint32()];
    const byteOffset = this.readDouble();
    const byteLength = this.readDouble();
    if (view === undefined || buffer === undefined)
      throw new RangeError("unknown kind or memory of a typed array");
    return new view.type(buffer, byteOffset, byteLength / view.elementBytes);
  }
}

/**
 * Encodes a value that `survey` has let pass.
 *
 * @param buffers the memory that the survey found
 * @returns its bytes; memory of 4 KiB and more is a view onto the caller's
 * @throws Error when the platform cannot clone it after all
 */
export function encodeRich(value: unknown, buffers: ReadonlyMap<ArrayBuffer, Span>): Encoded {
  const writer = new CloneWriter(buffers);
  writer.writeHeader();
  writer.writeValue(value);
  const clone = writer.releaseBuffer();
  const attachments = [...writer.attachments.values()];
  const header = Buffer.allocUnsafe(LENGTHS_OFFSET + LENGTH_BYTES * attachments.length);
  header[0] = RICH_FORMAT;
  header.writeUInt32LE(attachments.length, COUNT_OFFSET);
  header.writeUIntLE(clone.byteLength, CLONE_LENGTH_OFFSET, LENGTH_BYTES);
  for (const { index, bytes } of attachments) {
    header.writeUIntLE(bytes.byteLength, LENGTHS_OFFSET + LENGTH_BYTES * index, LENGTH_BYTES);
  }
  return gather([header, clone, ...attachments.map(({ bytes }) => bytes)]);
}

/** Copies neighbouring small pieces together and leaves large ones as they are. */
function gather(pieces: readonly Uint8Array[]): Encoded {
  const parts: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let byteLength = 0;
  const flush = () => {
    if (small.length > 0) parts.push(small.length === 1 ? small[0]! : Buffer.concat(small));
    small = [];
  };
  for (const piece of pieces) {
    byteLength += piece.byteLength;
    if (piece.byteLength < COPY_LIMIT_BYTES) {
      if (piece.byteLength > 0) small.push(piece);
      continue;
    }
    flush();
    parts.push(piece);
  }
  flush();
  return { byteLength, parts };
}

/**
 * The lengths of what `encodeRich` wrote, from its beginning: the lengths and the
 * clone together, then each buffer. Undefined when the beginning is too short to tell.
 */
export function richLayout(beginning: Uint8Array): number[] | undefined {
  const source = Buffer.from(beginning.buffer, beginning.byteOffset, beginning.byteLength);
  if (source.byteLength < LENGTHS_OFFSET) return undefined;
  const count = source.readUInt32LE(COUNT_OFFSET);
  const cloneStart = LENGTHS_OFFSET + LENGTH_BYTES * count;
  if (cloneStart > source.byteLength) return undefined;
  const layout = [cloneStart + source.readUIntLE(CLONE_LENGTH_OFFSET, LENGTH_BYTES)];
  for (let index = 0; index < count; index++) {
    layout.push(source.readUIntLE(LENGTHS_OFFSET + LENGTH_BYTES * index, LENGTH_BYTES));
  }
  return layout;
}

/**
 * Decodes what `encodeRich` wrote. Buffers and views own their memory.
 *
 * @param bytes with the format byte; without the buffers when those are given apart
 * @param apart the buffers, each of which the value then owns
 * @throws Error when they are malformed
 */
export function decodeRich(bytes: Uint8Array, apart?: readonly Uint8Array[]): unknown {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = source.readUInt32LE(COUNT_OFFSET);
  const cloneLength = source.readUIntLE(CLONE_LENGTH_OFFSET, LENGTH_BYTES);
  const cloneStart = LENGTHS_OFFSET + LENGTH_BYTES * count;
  const cloneEnd = cloneStart + cloneLength;
  if (cloneEnd > source.byteLength) throw new RangeError("it is cut short");
  const buffers: ArrayBuffer[] = apart?.map((part) => part.buffer as ArrayBuffer) ?? [];
  let start = cloneEnd;
  for (let index = buffers.length; index < count; index++) {
    const end = start + source.readUIntLE(LENGTHS_OFFSET + LENGTH_BYTES * index, LENGTH_BYTES);
    if (end > source.byteLength) throw new RangeError("it is cut short");
    buffers.push(new Uint8Array(source.subarray(start, end)).buffer);
    start = end;
  }
  if (start !== source.byteLength) throw new RangeError("bytes are left over");
  const reader = new CloneReader(source.subarray(cloneStart, cloneEnd), buffers);
  reader.readHeader();
  return reader.readValue();
}
