// Names under .localhost are this machine (RFC 6761), also where the system's resolver does not know it; every
// other name is refused, so that nothing a client library does can leave loopback.
import dns from 'node:dns';

dns.lookup = (hostname, options, callback) => {
  const done = typeof options === 'function' ? options : callback;
  const all = typeof options === 'object' && options !== null && options.all;
  if (!/(^|\.)localhost$/.test(hostname)) {
    process.nextTick(done, Object.assign(new Error(`not a loopback name: ${hostname}`), { code: 'ENOTFOUND' }));
  } else if (all) {
    process.nextTick(done, null, [{ address: '127.0.0.1', family: 4 }]);
  } else {
    process.nextTick(done, null, '127.0.0.1', 4);
  }
};
