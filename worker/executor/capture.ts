/**
 * What is printed through `console` and `process.stdout` in this process, given to
 * the task that prints it. What native code and child programs write past them
 * goes to the agent through the process's own pipes.
 */

type Write = typeof process.stdout.write;
type Done = (error?: Error | null) => void;

/**
 * Sends what is written to this process's standard streams elsewhere.
 *
 * @param print takes each piece, in order
 */
export function captureOutput(print: (text: Uint8Array, stderr: boolean) => void): void {
  process.stdout.write = writer((text) => print(text, false));
  process.stderr.write = writer((text) => print(text, true));
}

function writer(print: (text: Uint8Array) => void): Write {
  return (chunk: Uint8Array | string, encodingOrDone?: BufferEncoding | Done, done?: Done): boolean => {
    const encoding = typeof encodingOrDone === "string" ? encodingOrDone : "utf8";
    const callback = typeof encodingOrDone === "function" ? encodingOrDone : done;
    print(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
    if (callback !== undefined) process.nextTick(callback);
    return true;
  };
}
