// Preloaded into weft's services by tests (NODE_OPTIONS=--import): weft's clock is the machine's plus what a file says, in ms.
// The machine's clock is never touched; timers and performance.now() go on as they would after `date -s`. Certificates are
// checked by OpenSSL, which asks the machine.
import { readFileSync } from 'node:fs';

const file = process.env.WEFT_TEST_CLOCK;
const RealDate = Date;
const realNow = Date.now;
let offsetMs = 0;
let readAt = 0;

const now = () => {
  const real = realNow();
  if (Math.abs(real - readAt) > 20) {
    readAt = real;
    try {
      offsetMs = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      offsetMs = 0;
    }
  }
  return real + offsetMs;
};

if (file !== undefined) {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
    apply: () => new RealDate(now()).toString(),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
}
