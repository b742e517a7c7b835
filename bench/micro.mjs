import { cores, delayed, each, run } from "grain-scheduler";
const COUNT = Number(process.argv[2] ?? 100000), WARM = Number(process.argv[3] ?? 20000);
const sleep = delayed(async function sleep() { throw new Error("no"); }).with(cores(1));
const gcs=[]; new (await import("node:perf_hooks")).PerformanceObserver(l=>{for(const e of l.getEntries()) gcs.push([e.startTime,e.duration,e.detail.kind])}).observe({entryTypes:["gc"]});
await run(async () => {
  if (process.env.PRE) await each([sleep(), sleep()]);
  for (let i = 0; i < Number(process.env.WARMS ?? 1); i++) await each(Array.from({ length: WARM }, () => sleep()));
  if (process.argv[4]) await new Promise(r=>setTimeout(r,Number(process.argv[4])));
  let ses; if (process.env.PROF) { const {Session}=await import("node:inspector/promises"); ses=new Session(); ses.connect(); await ses.post("Profiler.enable"); await ses.post("Profiler.setSamplingInterval",{interval:100}); await ses.post("Profiler.start"); }
  if (process.env.MARK) console.log("MARK");
  const t0 = performance.now(), c0=process.cpuUsage();
  const all = Array.from({ length: COUNT }, () => sleep());
  const t1 = performance.now();
  const p = each(all);
  const t2 = performance.now(), c2=process.cpuUsage(c0);
  await Promise.resolve(); await null; 
  const t3 = performance.now();
  await new Promise(r=>setImmediate(r));
  const t4 = performance.now();
  if (ses) { const {profile}=await ses.post("Profiler.stop"); const by=new Map(); const nodes=new Map(profile.nodes.map(n=>[n.id,n])); profile.samples.forEach((id,i)=>{const n=nodes.get(id).callFrame; const k=n.functionName+" "+n.url.split("/").pop()+":"+n.lineNumber; by.set(k,(by.get(k)??0)+profile.timeDeltas[i]);}); for (const [k,v] of [...by].sort((a,b)=>b[1]-a[1]).slice(0,28)) console.log((v/1000).toFixed(1).padStart(7),k); }
  if (process.env.SNAP) { const v8=await import("node:v8"); const chunks=[]; for await (const c of v8.getHeapSnapshot()) chunks.push(c); const j=JSON.parse(Buffer.concat(chunks).toString()); const f=j.snapshot.meta.node_fields, T=j.snapshot.meta.node_types[0]; const n=f.length, iT=f.indexOf("type"), iN=f.indexOf("name"), iS=f.indexOf("self_size"); const by=new Map(); for (let i=0;i<j.nodes.length;i+=n){const k=T[j.nodes[i+iT]]+" "+j.strings[j.nodes[i+iN]].slice(0,40); const e=by.get(k)??[0,0]; e[0]++; e[1]+=j.nodes[i+iS]; by.set(k,e);} for (const [k,[c,b]] of [...by].sort((a,b)=>b[1][1]-a[1][1]).slice(0,14)) console.log(c,b,(b/c).toFixed(0),k); }
  await new Promise(r=>setTimeout(r,20));
  const g=gcs.filter(([s])=>s>=t0&&s<t2).reduce((n,[,d])=>n+d,0);
  console.log(`loop ${(t1-t0).toFixed(1)} each ${(t2-t1).toFixed(1)} micro ${(t3-t2).toFixed(1)} imm ${(t4-t3).toFixed(1)} gc ${g.toFixed(1)} cpu ${((c2.user+c2.system)/1000).toFixed(0)} heap ${(process.memoryUsage().heapUsed/1e6).toFixed(0)}`);
  if (process.argv[5]) { await p; console.log("all", (performance.now()-t0).toFixed(0)); }
  process.exit(0);
}, { progress: false });
