"""More than one machine: `make scale` runs workers against two LiveKit nodes with a real Redis.

Each worker has a folder of profiles of its own, filled as a kubelet fills one from a ConfigMap, and
is registered with one of two nodes of the real LiveKit server. Then, one after the other:

1. **calls** are made by way of either node, a few at once; who answers them is read from the
   workers' logs, which node has their rooms from Redis;
2. **a change** is brought to one folder after the other, several times, while calls go on. Timed is
   each worker from the swap in its own folder until it says `profiles changed`. A call must report
   a revision that was active at its own worker between its first moment and the one in which
   its job took its settings;
3. **a worker is killed** with all of its processes, in the midst of calls;
4. **a node is killed** in the midst of calls, and started again.
"""
