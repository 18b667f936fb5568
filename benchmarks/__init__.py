"""Measurements of gradiente beside PyTorch, JAX and scikit-learn: `python -m benchmarks --help`.

Every library trains the same network from the same weights on the same data with the same
optimizer, written as its own documentation would have it, in a process of its own. The processes
take turns, so that what happens to the machine meanwhile happens to all. The route of a run:

    networks    the kinds of network: sizes, arithmetic, data, starting weights
    workloads   what is trained: a network, its batches, its optimizer
    training    what a library is asked to do
    peers       how each library does it, a module for each kind of network
    libraries   which there are, and what belongs to them
    worker      the process of one library; process: how this one talks to it
    agreement   do they compute the same?
    roofline    what the machine could do at best; machine: which machine it is
    results     what was measured, as records; to and from JSON
    measure     steps, in turn
    startup     import, first step, memory, size; first_step: the process that takes one,
                memory: what it occupies, installed: what is on the disk
    report      tables; chart: a picture; documents: both in the documentation
    command     the command line
"""
